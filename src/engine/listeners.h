// Event listeners: their pools, what they say on standard output, and what they are sent.
//
// The pure rules are process::Pools; this joins them to the process table, the pipes and the listeners' log files.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/entry.h"
#include "engine/surroundings.h"
#include "engine/talk.h"
#include "logs/complaints.h"
#include "logs/filter.h"
#include "logs/rotating_file.h"
#include "process/pool.h"

namespace sup::engine {

[[nodiscard]] inline bool is_listener(const Entry& entry) { return entry.group->config->pool.has_value(); }

class Listeners final : public process::PoolPort {
 public:
  // All outlive it.
  Listeners(const Table& table, const Surroundings& out);
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Groups that are no pools are ignored.
  void add(const GroupEntry& group, const std::string& identifier);
  // A pool of a former manager, from its journal; the children of its listeners were given to go_on().
  void restore(const GroupEntry& group, const std::string& identifier, std::string_view notes, Now now);
  void remove(const GroupEntry& group);

  [[nodiscard]] bool wants(events::Type type) const { return pools_.wants(type); }
  void emit(events::Event event) { pools_.emit(std::move(event)); }
  void emit_again(events::Event event, std::uint64_t serial) { pools_.emit_again(std::move(event), serial); }
  [[nodiscard]] std::uint64_t next_serial() const { return pools_.next_serial(); }
  void continue_from(std::uint64_t next_serial) { pools_.continue_from(next_serial); }

  // ---- the life of a listener, which the entry is

  // A new child with this standard output.
  void started(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi);
  // The child of a former manager, before its pool is restored. `talk`: what the keeper held, -1: nothing.
  void go_on(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi, int talk);
  void running(const Entry& entry);  // it is RUNNING now, so it can be sent what waits
  void output(const Entry& entry, std::string_view bytes, Now now);
  void closed(const Entry& entry);             // its standard output has ended
  void exited(const Entry& entry, Now now);    // reaped: reads what it said last
  void ended(const Entry& entry);              // the world knows of the exit: what it worked on goes to somebody else

  // Of its log of standard output; 0 or an errno.
  [[nodiscard]] int clear_log(ProcessId id);
  void reopen_log(const Entry& entry);

  // ---- process::PoolPort
  [[nodiscard]] bool is_running(ProcessId id) const override;
  [[nodiscard]] bool send(ProcessId id, std::uint64_t serial, const process::Message& message) override;
  void send_rest(ProcessId id, std::uint64_t serial, const process::Message& message) override;
  void resume_later(ProcessId id, Duration delay) override;

  // Whom resume_later() tells, and what is to be called then. To be set before there are pools.
  void on_pause(std::function<void(ProcessId, Duration)> callback) { pause_ = std::move(callback); }
  void resume(ProcessId id);

 private:
  struct Output {
    std::shared_ptr<Talk> talk;
    logs::RotatingFile log;
    bool strip_ansi = false;
    logs::AnsiStripper stripper{};
    logs::Complaints complaints;
  };

  process::Pool* add_pool(const GroupEntry& group, const std::string& identifier);
  void open(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi, std::shared_ptr<Talk> talk);
  [[nodiscard]] Talk* talk_with(ProcessId id) const;
  [[nodiscard]] bool lay_down(ProcessId id, std::uint64_t serial, const process::Message& message) const;
  [[nodiscard]] bool move(ProcessId id);
  void write_log(Output& output, std::string_view bytes, Now now);

  const Table& table_;
  keeper::Children& children_;
  Inputs& inputs_;
  ListenerOutputs& outputs_;
  Log& log_;
  process::Pools pools_;
  std::unordered_map<ProcessId, Output> open_;
  std::function<void(ProcessId, Duration)> pause_;
};

}  // namespace sup::engine
