// Event listener pools, as pure bookkeeping: which events wait, who works on which, and what is sent next.
//
// A pool is told what its processes say and how they live, and sends through a PoolPort. An event that a listener
// rejects, or dies with, goes back to the head of its own pool's buffer and to no other's. Calls do not recurse.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/time.h"
#include "events/event.h"
#include "process/journal.h"
#include "process/listener.h"

namespace sup::process {

class Serial {
 public:
  explicit Serial(std::uint64_t next = 0) : next_(next) {}
  [[nodiscard]] std::uint64_t peek() const { return next_; }
  std::uint64_t take();

 private:
  std::uint64_t next_;
};

// What a listener is sent: a line, and the body of the event.
struct Message {
  std::string header;
  std::shared_ptr<const events::Event> event;

  [[nodiscard]] std::size_t size() const { return header.size() + event->body.size(); }
  [[nodiscard]] std::string joined() const { return header + event->body; }
};

// How pools reach their processes. It must not call back into the pool.
class PoolPort {
 public:
  virtual ~PoolPort() = default;
  [[nodiscard]] virtual bool is_running(ProcessId id) const = 0;  // its state is RUNNING
  // All of it to the process's standard input; false when that is closed, or it is being stopped. `serial`: the pool's
  // number of the event.
  [[nodiscard]] virtual bool send(ProcessId id, std::uint64_t serial, const Message& message) = 0;
  // Likewise what a former manager did not come to send of it, be it all or nothing.
  virtual void send_rest(ProcessId id, std::uint64_t serial, const Message& message) = 0;
  // The pool of this process sends nothing more; its resume() is due after `delay`.
  virtual void resume_later(ProcessId id, Duration delay) = 0;
};

class Pool {
 public:
  struct Options {
    std::string name;
    std::string identifier;  // of the daemon, for the envelope
    std::size_t buffer_size = 10;
    events::Subscription subscription;
    events::Length length = events::Length::characters;  // what `len` of a header counts
    Duration retry_delay{};  // after a rejection nothing is sent for so long
  };
  // `port` and `log` outlive the pool.
  Pool(Options options, PoolPort& port, Log& log);

  // Who is in it, in the order of preference.
  void add(ProcessId id, std::string name);

  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] const events::Subscription& subscription() const { return options_.subscription; }
  [[nodiscard]] std::vector<ProcessId> members() const;
  [[nodiscard]] std::size_t waiting() const { return buffer_.size(); }
  [[nodiscard]] std::optional<ListenerState> listener_state(ProcessId id) const;

  // To the end of the buffer; when that is full its oldest event is lost.
  void accept(std::shared_ptr<const events::Event> event, std::uint64_t serial);
  // Sends what waits, oldest first, as long as a process is RUNNING and READY. To be called after accept(), when a
  // process becomes RUNNING, and never needed after the calls below.
  void dispatch();
  // The pause behind a rejection is over.
  void resume();

  // Each is about a process of this pool; others are ignored.
  void started(ProcessId id);  // a new child
  void output(ProcessId id, std::string_view bytes);
  void ended(ProcessId id);

  // ---- for a manager that follows

  // From now on everything is noted in `journal`, beginning with how things stand.
  void keep(std::unique_ptr<PoolJournal> journal);
  // Knows of all events before this one.
  void begin_with(std::uint64_t next_serial) { next_daemon_serial_ = next_serial; }
  [[nodiscard]] bool knows(std::uint64_t serial) const { return next_daemon_serial_ > serial; }
  // How many bytes of the output of this child were given to output().
  [[nodiscard]] std::uint64_t heard(ProcessId id) const;
  // After restoring: a former manager may have been killed over sending what this process works on.
  void send_rest(ProcessId id);
  // Goes on from there; what is about processes that are not in this pool is left out. Before keep().
  void restore(PoolPicture picture);

 private:
  struct Member {
    ProcessId id = 0;
    std::string name;
    Listener listener;
    std::optional<PoolItem> item;  // what it works on
    std::uint64_t heard = 0;
  };

  [[nodiscard]] Member* find(ProcessId id);
  [[nodiscard]] bool can_take(const Member& member) const;
  [[nodiscard]] bool send(const PoolItem& item);
  [[nodiscard]] Message message(const PoolItem& item) const;
  void make_room();
  void put_back(PoolItem item);
  void return_item(Member& member);
  void write_journal();

  Options options_;
  PoolPort& port_;
  Log& log_;
  std::vector<Member> members_;
  std::deque<PoolItem> buffer_;
  bool paused_ = false;
  Serial serial_;
  std::uint64_t next_daemon_serial_ = 0;  // as far as this pool knows
  std::unique_ptr<PoolJournal> journal_;
  Notes notes_;  // not yet in the journal
};

// All pools: gives an event its number when the first of them takes it, and finds the pool of a process.
class Pools {
 public:
  // The name must be free. The pool lives until it is removed.
  Pool& add(Pool::Options options, PoolPort& port, Log& log);
  // In the order of preference; `name` is the process's, for the log.
  void add_member(Pool& pool, ProcessId id, std::string name);
  // The pool and what it still has to deliver are gone.
  void remove(std::string_view name);

  [[nodiscard]] Pool* find(std::string_view name);
  [[nodiscard]] Pool* of(ProcessId id);  // nullptr: the process is no listener
  // Is there a pool that takes events of this type? If not, they need not be made.
  [[nodiscard]] bool wants(events::Type type) const { return wanted_.wants(type); }
  // Once to each pool that subscribed to it, in the order in which the pools came.
  void emit(events::Event event);
  // After restoring: to the pools that did not get the event of this number, if it is the last one that was given out.
  void emit_again(events::Event event, std::uint64_t serial);

  [[nodiscard]] std::uint64_t next_serial() const { return serial_.peek(); }
  void continue_from(std::uint64_t next_serial) { serial_ = Serial(next_serial); }

 private:
  std::vector<std::unique_ptr<Pool>> pools_;
  std::unordered_map<ProcessId, Pool*> pool_of_;
  events::Subscription wanted_;
  Serial serial_;
};

}  // namespace sup::process
