#include "engine/record.h"

#include <algorithm>
#include <utility>

namespace sup::engine {
namespace {

constexpr char process_kind = 'P';
constexpr char session_kind = 'S';

class Writer {
 public:
  explicit Writer(char kind) { out_ += kind; }

  void field(char tag, std::string_view bytes) {
    out_ += tag;
    std::size_t length = bytes.size();
    for (; length >= 0x80; length >>= 7) out_ += static_cast<char>(length | 0x80);
    out_ += static_cast<char>(length);
    out_.append(bytes);
  }

  // The empty text and 0 are what a missing field means, so they are not written.
  void text(char tag, std::string_view bytes) {
    if (!bytes.empty()) field(tag, bytes);
  }
  void number(char tag, std::uint64_t value) {
    if (value != 0) digits(tag, value);
  }

  // Present whatever its value: negative numbers between the others (0, -1, 1, -2, ...), and all of them shifted by one.
  void optional(char tag, std::optional<std::int64_t> value) {
    if (!value) return;
    const auto bits = static_cast<std::uint64_t>(*value);
    digits(tag, (*value < 0 ? ~(bits << 1) : bits << 1) + 1);
  }

  std::string take() { return std::move(out_); }

 private:
  void digits(char tag, std::uint64_t value) {
    char bytes[8];
    std::size_t size = 0;
    for (; value != 0; value >>= 8) bytes[size++] = static_cast<char>(value & 0xff);
    field(tag, {bytes, size});
  }

  std::string out_;
};

struct Field {
  char tag = 0;
  std::string_view bytes;

  [[nodiscard]] std::uint64_t number() const {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size() < 8 ? bytes.size() : 8; i > 0; --i) {
      value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    }
    return value;
  }
  [[nodiscard]] std::int64_t signed_number() const { return static_cast<std::int64_t>(number()); }
  [[nodiscard]] std::int64_t shifted() const {
    const std::uint64_t bits = number() - 1;
    return static_cast<std::int64_t>((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
  }
};

// Calls `use` for each field; false when the bytes end inside one.
template <class Use>
bool for_each_field(std::string_view bytes, Use use) {
  while (!bytes.empty()) {
    Field field;
    field.tag = bytes.front();
    bytes.remove_prefix(1);
    std::uint64_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (bytes.empty() || shift > 28) return false;
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      length |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) break;
    }
    if (length > bytes.size()) return false;
    field.bytes = bytes.substr(0, length);
    bytes.remove_prefix(length);
    use(field);
  }
  return true;
}

Result<std::string_view> body_of(std::string_view bytes, char kind) {
  if (bytes.empty() || bytes.front() != kind) return fail("the bytes are no record of this kind");
  return bytes.substr(1);
}

}  // namespace

std::string write_record(const ProcessRecord& record) {
  Writer out(process_kind);
  out.text('g', record.group);
  out.text('n', record.name);
  out.number('G', record.generation);
  out.number('s', record.state);
  out.number('f', static_cast<std::uint64_t>(record.failures));
  out.optional('d', record.deadline);
  out.optional('t', record.started);
  out.number('b', static_cast<std::uint64_t>(record.start_wall));
  out.number('e', static_cast<std::uint64_t>(record.stop_wall));
  if (record.exit_status) out.optional('x', *record.exit_status);
  out.text('E', record.spawn_error);
  out.text('o', record.out_path);
  out.text('r', record.err_path);
  out.text('T', record.event);
  out.text('B', record.event_body);
  out.number('V', record.event_serial);
  return out.take();
}

Result<ProcessRecord> read_process_record(std::string_view bytes) {
  const auto body = body_of(bytes, process_kind);
  if (!body) return std::unexpected(body.error());
  ProcessRecord record;
  const bool whole = for_each_field(*body, [&](const Field& field) {
    switch (field.tag) {
      case 'g': record.group = field.bytes; break;
      case 'n': record.name = field.bytes; break;
      case 'G': record.generation = static_cast<std::uint32_t>(field.number()); break;
      case 's': record.state = static_cast<std::uint16_t>(field.number()); break;
      case 'f': record.failures = field.signed_number(); break;
      case 'd': record.deadline = field.shifted(); break;
      case 't': record.started = field.shifted(); break;
      case 'b': record.start_wall = field.signed_number(); break;
      case 'e': record.stop_wall = field.signed_number(); break;
      case 'x': record.exit_status = static_cast<int>(field.shifted()); break;
      case 'E': record.spawn_error = field.bytes; break;
      case 'o': record.out_path = field.bytes; break;
      case 'r': record.err_path = field.bytes; break;
      case 'T': record.event = field.bytes; break;
      case 'B': record.event_body = field.bytes; break;
      case 'V': record.event_serial = field.number(); break;
      default: break;
    }
  });
  if (!whole) return fail("the process record is cut off");
  return record;
}

std::string write_record(const SessionRecord& record) {
  Writer out(session_kind);
  out.optional('m', record.mood);
  out.number('i', record.next_id);
  out.number('G', record.generation);
  out.number('v', record.event_serial);
  out.text('w', record.version);
  out.text('u', record.successor);
  for (const SessionRecord::Group& group : record.groups) {
    out.field('g', group.name);  // even an empty one, for the generation refers to it
    out.optional('h', group.generation);
  }
  return out.take();
}

Result<SessionRecord> read_session_record(std::string_view bytes) {
  const auto body = body_of(bytes, session_kind);
  if (!body) return std::unexpected(body.error());
  SessionRecord record;
  const bool whole = for_each_field(*body, [&](const Field& field) {
    switch (field.tag) {
      case 'm': record.mood = static_cast<std::int32_t>(field.shifted()); break;
      case 'i':  // ids begin with 1
        record.next_id = std::max(1U, static_cast<std::uint32_t>(field.number()));
        break;
      case 'G': record.generation = static_cast<std::uint32_t>(field.number()); break;
      case 'v': record.event_serial = field.number(); break;
      case 'w': record.version = field.bytes; break;
      case 'u': record.successor = field.bytes; break;
      case 'g': record.groups.push_back({std::string(field.bytes), 0}); break;
      case 'h':
        if (!record.groups.empty()) record.groups.back().generation = static_cast<std::uint32_t>(field.shifted());
        break;
      default: break;
    }
  });
  if (!whole) return fail("the session record is cut off");
  return record;
}

}  // namespace sup::engine
