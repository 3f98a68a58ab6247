#include "process/journal.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sup::process {
namespace {

constexpr char accepted_kind = 'a';  // serial, pool serial, length of the type's name, name, body
constexpr char lost_kind = 'x';
constexpr char sent_kind = 's';      // id
constexpr char done_kind = 'd';      // id
constexpr char returned_kind = 'r';  // id
constexpr char listener_kind = 'l';  // id, state, beginning of a message
constexpr char heard_kind = 'h';     // id, bytes
constexpr char serials_kind = 'n';   // serial, pool serial

constexpr std::size_t number_size = 8;
constexpr std::size_t length_size = 4;
constexpr std::size_t large = 64 * 1024;  // a body that is worth no copy

std::uint64_t take_number(std::string_view& bytes, std::size_t size = number_size) {
  std::uint64_t value = 0;
  for (std::size_t i = std::min(size, bytes.size()); i > 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  bytes.remove_prefix(std::min(size, bytes.size()));
  return value;
}

ListenerState state_from(std::uint64_t number) {
  for (const ListenerState state : {ListenerState::ready, ListenerState::busy, ListenerState::acknowledged}) {
    if (static_cast<std::uint64_t>(state) == number) return state;
  }
  return ListenerState::unknown;
}

class Reader {
 public:
  PoolPicture take() { return std::move(picture_); }

  void read(char kind, std::string_view bytes) {
    switch (kind) {
      case accepted_kind:
        return accept(bytes);
      case lost_kind:
        if (!picture_.buffer.empty()) picture_.buffer.pop_front();
        return;
      case sent_kind:
        return send(member(bytes));
      case done_kind:
        member(bytes).item.reset();
        return;
      case returned_kind: {
        PoolPicture::Member& by = member(bytes);
        if (by.item) picture_.buffer.push_front(*std::exchange(by.item, std::nullopt));
        return;
      }
      case listener_kind: {
        PoolPicture::Member& about = member(bytes);
        const ListenerState state = state_from(take_number(bytes));
        about.listener = Listener(state, bytes);
        return;
      }
      case heard_kind: {
        PoolPicture::Member& about = member(bytes);
        about.heard = take_number(bytes);
        return;
      }
      case serials_kind:
        picture_.next_serial = take_number(bytes);
        picture_.next_pool_serial = take_number(bytes);
        return;
      default:
        return;
    }
  }

 private:
  PoolPicture::Member& member(std::string_view& bytes) {
    const auto id = static_cast<ProcessId>(take_number(bytes));
    const auto found = std::ranges::find(picture_.members, id, &PoolPicture::Member::id);
    if (found != picture_.members.end()) return *found;
    return picture_.members.emplace_back(PoolPicture::Member{.id = id, .listener = {}, .item = {}, .heard = 0});
  }

  void accept(std::string_view bytes) {
    PoolItem item;
    item.serial = take_number(bytes);
    item.pool_serial = take_number(bytes);
    const std::uint64_t length = std::min<std::uint64_t>(take_number(bytes), bytes.size());
    const auto type = events::type_named(bytes.substr(0, length)).value_or(events::Type::event);
    bytes.remove_prefix(length);
    item.event = std::make_shared<const events::Event>(events::Event{type, std::string(bytes)});
    picture_.next_serial = serial_after(item.serial);
    picture_.next_pool_serial = serial_after(item.pool_serial);
    picture_.buffer.push_back(std::move(item));
  }

  void send(PoolPicture::Member& to) {
    if (picture_.buffer.empty()) return;
    to.item = std::move(picture_.buffer.front());
    picture_.buffer.pop_front();
    to.listener = Listener(ListenerState::busy, {});
  }

  PoolPicture picture_;
};

}  // namespace

std::uint64_t serial_after(std::uint64_t serial) noexcept {
  constexpr std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  return serial >= last ? 0 : serial + 1;
}

// ---- writing

std::size_t NoteText::size() const {
  std::size_t size = bytes_.size();
  for (const Body& body : bodies_)
    size += body.event->body.size();
  return size;
}

std::string NoteText::joined() const {
  std::string text;
  text.reserve(size());
  each([&text](std::string_view piece) { text += piece; });
  return text;
}

void Notes::begin(char kind, std::size_t length) {
  text_.bytes_ += kind;
  for (std::size_t i = 0; i < length_size; ++i) text_.bytes_ += static_cast<char>(length >> (8 * i) & 0xff);
}

void Notes::number(std::uint64_t value) {
  for (std::size_t i = 0; i < number_size; ++i) text_.bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
}

void Notes::accepted(const PoolItem& item) {
  const std::string_view name = events::type_name(item.event->type);
  begin(accepted_kind, 3 * number_size + name.size() + item.event->body.size());
  number(item.serial);
  number(item.pool_serial);
  number(name.size());
  text_.bytes_ += name;
  if (item.event->body.size() < large) {
    text_.bytes_ += item.event->body;
  } else {
    text_.bodies_.push_back({text_.bytes_.size(), item.event});
  }
}

void Notes::lost() { begin(lost_kind, 0); }

void Notes::sent(ProcessId id) {
  begin(sent_kind, number_size);
  number(id);
}

void Notes::done(ProcessId id) {
  begin(done_kind, number_size);
  number(id);
}

void Notes::returned(ProcessId id) {
  begin(returned_kind, number_size);
  number(id);
}

void Notes::listener(ProcessId id, const Listener& listener) {
  const std::string unfinished = listener.unfinished();
  begin(listener_kind, 2 * number_size + unfinished.size());
  number(id);
  number(static_cast<std::uint64_t>(listener.state()));
  text_.bytes_ += unfinished;
}

void Notes::heard(ProcessId id, std::uint64_t bytes) {
  begin(heard_kind, 2 * number_size);
  number(id);
  number(bytes);
}

void Notes::serials(std::uint64_t next_serial, std::uint64_t next_pool_serial) {
  begin(serials_kind, 2 * number_size);
  number(next_serial);
  number(next_pool_serial);
}

NoteText write_notes(const PoolPicture& picture) {
  Notes notes;
  for (const PoolPicture::Member& member : picture.members) {
    if (member.item) {
      notes.accepted(*member.item);
      notes.sent(member.id);
    }
    notes.listener(member.id, member.listener);
    notes.heard(member.id, member.heard);
  }
  for (const PoolItem& item : picture.buffer) notes.accepted(item);
  notes.serials(picture.next_serial, picture.next_pool_serial);
  return notes.take();
}

// ---- reading

PoolPicture read_notes(std::string_view notes) {
  Reader reader;
  while (notes.size() > length_size) {
    const char kind = notes.front();
    notes.remove_prefix(1);
    const std::uint64_t length = take_number(notes, length_size);
    if (length > notes.size()) break;
    reader.read(kind, notes.substr(0, length));
    notes.remove_prefix(length);
  }
  return reader.take();
}

}  // namespace sup::process
