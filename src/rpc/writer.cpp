#include "rpc/writer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "api/sink.h"
#include "base/base64.h"
#include "base/utf8.h"

namespace sup::rpc {
namespace {

using api::Value;

// Bytes that stand for themselves, whatever is around them.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c)
    plain[c] = c != '&' && c != '<' && c != '>';
  plain['\n'] = plain['\r'] = plain['\t'] = true;
  return plain;
}
constexpr auto plain = make_plain();

constexpr std::uint64_t each_byte(std::uint8_t c) {
  return std::uint64_t{0x0101010101010101} * c;
}

// Is a byte of the eight zero?
inline bool has_zero(std::uint64_t word) {
  return ((word - each_byte(0x01)) & ~word & each_byte(0x80)) != 0;
}

// Are all eight bytes printable ASCII and none of & < >? (The last two differ in one bit.)
inline bool is_plain_word(std::uint64_t word) {
  const bool ascii = (((word - each_byte(0x20)) | word) & each_byte(0x80)) == 0;
  return ascii && !has_zero(word ^ each_byte('&')) && !has_zero((word | each_byte(0x02)) ^ each_byte('>'));
}

// How many bytes from the start of `text` are plain.
std::size_t plain_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t stop = text.size();
    if (stop - i >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, sizeof word);
      if (is_plain_word(word)) {
        i += 8;
        continue;
      }
      stop = i + 8;
    }
    while (i < stop && plain[static_cast<std::uint8_t>(text[i])])
      ++i;
    if (i < stop) return i;
  }
  return i;
}

std::string_view escape_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    default:
      return {};
  }
}

// repr() of a Python float.
void append_double(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "nan";
    return;
  }
  const std::size_t start = out.size();
  fmt::format_to(std::back_inserter(out), "{}", number);
  if (out.find_first_of(".enf", start) == std::string::npos) out += ".0";
}

// Base64 in lines of 76 characters, each with its newline.
void append_base64_lines(std::string& out, std::string_view bytes) {
  constexpr std::size_t line = 57;
  for (std::size_t i = 0; i < bytes.size(); i += line) {
    out += base64_encode(bytes.substr(i, line));
    out += '\n';
  }
}

template <class Word>
Word load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Copies `text` if all of it is plain; what is in `to` otherwise means nothing.
inline bool copy_plain(char* to, std::string_view text) {
  const char* from = text.data();
  const std::size_t size = text.size();
  const auto copy_word = [&](std::size_t i) {
    const auto word = load<std::uint64_t>(from + i);
    std::memcpy(to + i, &word, sizeof word);
    return is_plain_word(word);
  };
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8)
      if (!copy_word(i)) return false;
    return copy_word(size - 8);
  }
  if (size >= 4) {  // both halves, which may overlap, as one word
    const std::uint64_t first = load<std::uint32_t>(from), last = load<std::uint32_t>(from + size - 4);
    std::memcpy(to, &first, 4);
    std::memcpy(to + size - 4, &last, 4);
    return is_plain_word(first | last << 32);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (!plain[static_cast<std::uint8_t>(from[i])]) return false;
    to[i] = from[i];
  }
  return true;
}

// Writes into memory that the string has ready, without asking it each time.
class Room {
 public:
  explicit Room(std::string& out) : out_(out), at_(out.data() + out.size()), end_(at_) { grow(out.capacity() - out.size()); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { out_.resize(used()); }

  template <std::size_t N>
  void put(const char (&literal)[N]) {
    reserve(N - 1);
    add(literal, N - 1);
  }
  template <std::size_t M, std::size_t N>
  void put_between(const char (&before)[M], std::string_view bytes, const char (&after)[N]) {
    reserve(M + bytes.size() + N);
    add(before, M - 1);
    add(bytes.data(), bytes.size());
    add(after, N - 1);
  }
  template <std::size_t M, std::size_t N>
  void put_escaped_between(const char (&before)[M], std::string_view text, const char (&after)[N]) {
    reserve(M + text.size() + N);
    add(before, M - 1);
    if (copy_plain(at_, text)) {
      at_ += text.size();
    } else {
      by_string([&](std::string& out) { append_text(out, text); });
      reserve(N);
    }
    add(after, N - 1);
  }
  // Lets `write` append to the string itself.
  template <class Write>
  void by_string(Write write) {
    out_.resize(used());
    write(out_);
    at_ = end_ = out_.data() + out_.size();
    grow(out_.capacity() - out_.size());
  }

 private:
  void add(const char* bytes, std::size_t size) {
    std::memcpy(at_, bytes, size);
    at_ += size;
  }
  [[nodiscard]] std::size_t used() const { return static_cast<std::size_t>(at_ - out_.data()); }
  void reserve(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) grow(size + used());
  }
  void grow(std::size_t by) {
    const std::size_t kept = used();
    out_.resize_and_overwrite(kept + by, [](char*, std::size_t size) { return size; });
    at_ = out_.data() + kept;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;  // its end is unwritten as long as we live
  char* at_;
  char* end_;
};

class XmlWriter final : public api::Sink {
 public:
  explicit XmlWriter(std::string& out) : out_(out) {}

  void nil() override {
    out_.put("<value><nil/></value>");  // no newline: Python writes none
    end_member();
  }
  void boolean(bool value) override {
    if (value) {
      out_.put("<value><boolean>1</boolean></value>\n");
    } else {
      out_.put("<value><boolean>0</boolean></value>\n");
    }
    end_member();
  }
  void integer(std::int64_t value) override {
    const fmt::format_int digits(value);
    out_.put_between("<value><int>", {digits.data(), digits.size()}, "</int></value>\n");
    end_member();
  }
  void real(double value) override {
    out_.put("<value><double>");
    out_.by_string([&](std::string& out) { append_double(out, value); });
    out_.put("</double></value>\n");
    end_member();
  }
  void text(std::string_view value) override {
    out_.put_escaped_between("<value><string>", value, "</string></value>\n");
    end_member();
  }
  void opaque(const api::Opaque& value) override {
    if (value.type == "base64") {
      out_.put("<value><base64>\n");
      out_.by_string([&](std::string& out) { append_base64_lines(out, value.text); });
      out_.put("</base64></value>\n");
    } else {
      out_.put_escaped_between("<value><dateTime.iso8601>", value.text, "</dateTime.iso8601></value>\n");
    }
    end_member();
  }
  void begin_array() override {
    out_.put("<value><array><data>\n");
    open_.push_back(Kind::array);
  }
  void end_array() override {
    open_.pop_back();
    out_.put("</data></array></value>\n");
    end_member();
  }
  void begin_struct() override {
    out_.put("<value><struct>\n");
    open_.push_back(Kind::structure);
  }
  void member(std::string_view name) override {
    out_.put_escaped_between("<member>\n<name>", name, "</name>\n");
  }
  void end_struct() override {
    open_.pop_back();
    out_.put("</struct></value>\n");
    end_member();
  }

 private:
  enum class Kind : unsigned char { array, structure };

  void end_member() {
    if (!open_.empty() && open_.back() == Kind::structure) out_.put("</member>\n");
  }

  Room out_;
  std::vector<Kind> open_;
};

}  // namespace

void append_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t good = plain_prefix(text);
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) return;
    const std::string_view escape = escape_of(text.front());
    if (!escape.empty()) {
      out.append(escape);
      text.remove_prefix(1);
      continue;
    }
    const Utf8Step step = utf8_step(text);
    const std::string_view character = text.substr(0, step.length);
    if (xml_safe_prefix(character) == character.size()) {
      out.append(character);
    } else {
      out.append("\xEF\xBF\xBD");
    }
    text.remove_prefix(step.length);
  }
}

void append_value(std::string& out, const Value& value) {
  XmlWriter writer(out);
  api::tell(value, writer);
}

std::size_t estimate_size(const Value& value) {
  constexpr std::size_t tags = 48, member_tags = 40;
  if (const api::Stream* stream = value.stream()) return stream->size_hint;
  if (const std::string* text = value.string()) return tags + text->size() + text->size() / 16;
  std::size_t size = tags;
  if (const api::Array* items = value.array())
    for (const Value& item : *items)
      size += estimate_size(item);
  if (const api::Struct* members = value.structure())
    for (const auto& [name, item] : *members)
      size += member_tags + name.size() + estimate_size(item);
  return size;
}

}  // namespace sup::rpc
