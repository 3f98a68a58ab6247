// Event listeners: their pools, what they say on standard output, and what they are sent.
//
// The pure rules are process::Pools; this joins them to the process table, the pipes and the listeners' log files.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/entry.h"
#include "engine/surroundings.h"
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

  // Groups that are no pools are ignored. `notes`: the pool's journal, as a former manager left it.
  void add(const GroupEntry& group, const std::string& identifier, std::string_view notes = {});
  void remove(const GroupEntry& group);

  [[nodiscard]] bool wants(events::Type type) const { return pools_.wants(type); }
  void emit(events::Event event) { pools_.emit(std::move(event)); }
  void emit_again(events::Event event, std::uint64_t serial) { pools_.emit_again(std::move(event), serial); }
  [[nodiscard]] std::uint64_t next_serial() const { return pools_.next_serial(); }
  void continue_from(std::uint64_t next_serial) { pools_.continue_from(next_serial); }

  // ---- the life of a listener, which the entry is

  // A new child with this standard output, or, before its pool is added, the child of a former manager.
  void started(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi);
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
  [[nodiscard]] bool send(ProcessId id, std::string_view bytes) override;

 private:
  struct Output {
    logs::RotatingFile log;
    bool strip_ansi = false;
    logs::AnsiStripper stripper{};
    logs::Complaints complaints;
  };

  void write_log(Output& output, std::string_view bytes, Now now);

  const Table& table_;
  keeper::Children& children_;
  Inputs& inputs_;
  ListenerOutputs& outputs_;
  Log& log_;
  process::Pools pools_;
  std::unordered_map<ProcessId, Output> open_;
};

}  // namespace sup::engine
