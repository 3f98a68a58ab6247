// What of an event listener pool must outlive the manager, as notes that are appended while things happen and read
// again by the manager that follows: which events wait, who works on which, and where each listener stands.
//
// A note is a kind (1 byte), a length (4 bytes, little-endian) and that many bytes. A note that is cut off at the end
// was never made; kinds that are unknown are skipped, and none is ever given a second meaning.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "events/event.h"
#include "process/listener.h"

namespace sup::process {

// Events are numbered from 0; after 2^63-1 it begins again, as Supervisor does.
[[nodiscard]] std::uint64_t serial_after(std::uint64_t serial) noexcept;

// An event on its way through one pool.
struct PoolItem {
  std::shared_ptr<const events::Event> event;
  std::uint64_t serial = 0;
  std::uint64_t pool_serial = 0;
};

// The text of notes. Large bodies of events are not copied into it.
class NoteText {
 public:
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const;
  // Piece by piece, in order.
  template <typename Write>
  void each(Write write) const {
    std::size_t from = 0;
    for (const Body& body : bodies_) {
      write(std::string_view(bytes_).substr(from, body.at - from));
      write(std::string_view(body.event->body));
      from = body.at;
    }
    write(std::string_view(bytes_).substr(from));
  }
  [[nodiscard]] std::string joined() const;

 private:
  friend class Notes;
  struct Body {
    std::size_t at;  // between the bytes
    std::shared_ptr<const events::Event> event;
  };
  std::string bytes_;
  std::vector<Body> bodies_;
};

// Where the notes of one pool are kept.
class PoolJournal {
 public:
  virtual ~PoolJournal() = default;
  virtual void append(const NoteText& notes) = 0;
  // Would it be so long with `more` bytes that it is time to begin anew?
  [[nodiscard]] virtual bool is_long(std::size_t more) const = 0;
  // Forgets everything before; `notes` are a complete picture.
  virtual void begin(const NoteText& notes) = 0;
};

// A pool as its notes describe it.
struct PoolPicture {
  struct Member {
    ProcessId id = 0;
    Listener listener;
    std::optional<PoolItem> item;  // what it works on
    std::uint64_t heard = 0;       // bytes of its output that are dealt with
  };
  std::uint64_t next_serial = 0;  // of the daemon
  std::uint64_t next_pool_serial = 0;
  std::deque<PoolItem> buffer;
  std::vector<Member> members;
};

// Notes of a pool's events in the order in which they happen.
class Notes {
 public:
  void accepted(const PoolItem& item);  // to the end of the buffer
  void lost();                          // the first of the buffer
  void sent(ProcessId id);              // the first of the buffer, to this process
  void done(ProcessId id);              // what it worked on is dealt with
  void returned(ProcessId id);          // what it worked on is the first of the buffer again
  void listener(ProcessId id, const Listener& listener);
  void heard(ProcessId id, std::uint64_t bytes);
  void serials(std::uint64_t next_serial, std::uint64_t next_pool_serial);

  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] NoteText take() { return std::exchange(text_, {}); }

 private:
  void begin(char kind, std::size_t length);
  void number(std::uint64_t value);
  NoteText text_;
};

[[nodiscard]] NoteText write_notes(const PoolPicture& picture);
// Of damaged notes, what stands before the damage.
[[nodiscard]] PoolPicture read_notes(std::string_view notes);

}  // namespace sup::process
