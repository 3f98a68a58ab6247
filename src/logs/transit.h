// What is on its way from a pipe to a file, in a place that outlives this process.
//
// The kernel moves the bytes out of the child's pipe into a pipe of our own (`belt`) in one step, and from there into
// memory that is a file without a name; the keeper holds belt and memory. A few words in the same memory, the journal,
// say whose bytes they are and how far they have come. Whenever SIGKILL strikes, each byte is in the child's pipe, on
// the belt, in the memory or in the log, and a successor can tell which: what has left the belt is in memory, and what
// has left memory shows in the size of the log, which the journal knows from before the write. So nothing is lost, and
// nothing is written twice.
//
// A manager that leaves for an upgrade empties it before (Pump::leave), so a successor that knows another format misses
// only what filters hold back.
//
// One thread uses it. Since the same machine reads what was stored, the order of stores in the program is enough.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "logs/filter.h"
#include "logs/rotating_file.h"

namespace sup::logs {

class Transit {
 public:
  static constexpr std::size_t capacity = std::size_t{128} << 10;

  // Empty. Where the system refuses pipe or memory it works, but outlives nothing: survives() says so.
  Transit();
  // What a predecessor left, taken out of what the keeper held for it. Nullptr: nothing, or nothing that can be used.
  [[nodiscard]] static std::unique_ptr<Transit> inherit(std::map<std::string, UniqueFd>& held);
  Transit(const Transit&) = delete;
  Transit& operator=(const Transit&) = delete;
  ~Transit();

  // What the keeper has to hold, by name; empty unless survives().
  [[nodiscard]] std::vector<std::pair<std::string, int>> heirlooms() const;
  [[nodiscard]] bool survives() const { return static_cast<bool>(belt_out_); }

  // ---- a chunk, from take() or end_of_stream() to done()

  // Reads what is in `pipe`, at most `capacity` bytes, into bytes(). As read(2): 0 at the end, -1 and errno. Only after
  // a result > 0 there is a chunk.
  [[nodiscard]] ssize_t take(int pipe, ProcessId id, Channel channel);
  // A chunk without bytes: what a filter held back is on its way.
  void end_of_stream(ProcessId id, Channel channel);
  [[nodiscard]] std::span<char> bytes() { return {buffer_, size_}; }

  // `length` bytes that came of the chunk are about to be appended to the log, which is `log` now; without a mark it
  // cannot be told later how many of them arrived.
  void writing(const std::optional<FileMark>& log, std::size_t length);
  // They are written. Due before the log is rotated.
  void written();
  // The next `length` bytes that come of the chunk are in the log since a predecessor's time.
  void skip(std::size_t length) { made_ += length; }
  // Where a rotation notes its progress, for RotatingFile::note_steps_in().
  [[nodiscard]] std::atomic<std::int64_t>& rotation_step() { return journal_->rotation_step; }

  // Everything that comes of the chunk is where it belongs.
  void done();
  // Likewise, and its filter has come to `state`.
  void done(int slot, const FilterState& state);

  // ---- filters, whose state has to outlive us between chunks

  // The slot of this channel: the one a predecessor left, or a new one. -1: no memory.
  [[nodiscard]] int slot(ProcessId id, Channel channel);
  [[nodiscard]] FilterState filter_state(int slot) const;
  void free_slot(int slot);

  // ---- after inherit()

  struct Left {
    ProcessId id = 0;
    Channel channel = Channel::out;
    bool end_of_stream = false;
    std::size_t written = 0;      // of what comes of the chunk, certainly
    std::size_t length = 0;       // behind that, some of so many may be written:
    std::optional<FileMark> log;  // into this log, as it was before
    std::int64_t rotation_step = RotatingFile::no_rotation;
  };
  // A chunk that was not done; it is in bytes() until it is.
  [[nodiscard]] std::optional<Left> left();

 private:
  enum class State : std::uint32_t { idle, moving, taken, committing };
  struct Note {
    std::uint64_t made = 0;    // bytes that came of the chunk and are written
    std::uint64_t length = 0;  // of those being written
    FileMark log{};
    bool marked = false;
  };
  struct alignas(64) Slot {
    std::atomic<std::uint32_t> used;
    ProcessId id;
    std::uint32_t channel;
    FilterState state;
  };
  struct Journal {
    std::uint64_t format = 0;
    std::atomic<State> state{State::idle};
    ProcessId id = 0;
    std::uint32_t channel = 0;
    std::uint32_t end_of_stream = 0;
    std::uint64_t size = 0;
    std::atomic<std::uint32_t> note{0};  // which of notes is valid
    Note notes[2];
    std::atomic<std::int64_t> rotation_step{RotatingFile::no_rotation};
    std::int32_t slot = -1;  // while committing
    FilterState next{};
  };

  struct Held {
    UniqueFd memory, belt_in, belt_out;
  };
  explicit Transit(Held held);
  static Held make();

  void note(const Note& note);
  void begin(ProcessId id, Channel channel, bool end_of_stream);
  void begin_notes(std::size_t size);
  [[nodiscard]] bool fetch(std::size_t from);
  void commit();
  void give_up();
  [[nodiscard]] bool map_slots();

  UniqueFd memory_, belt_in_, belt_out_;
  Journal* journal_ = nullptr;
  char* buffer_ = nullptr;
  std::span<Slot> slots_;
  std::size_t size_ = 0;  // of the chunk
  std::size_t made_ = 0;  // bytes that came of the chunk and are dealt with
};

}  // namespace sup::logs
