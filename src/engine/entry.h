// The process table: groups in start order, their processes, and what the engine knows of each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "events/event.h"
#include "keeper/plan.h"
#include "logs/rotating_file.h"
#include "process/machine.h"

namespace sup::engine {

struct GroupEntry;
struct Entry;

// How a start or stop that somebody waits for came out.
enum class Answer : std::uint8_t { done, spawn_error, abnormal_termination, failed };
using Done = std::move_only_function<void(Answer)>;

// Somebody waits for this process: for the answer of the spawn or signal alone, or for the state behind it.
struct Waiter {
  enum class For : std::uint8_t { spawn, running, signal, stopped };
  For what = For::spawn;
  Done done;
};

// A child that was reaped and whose output is being drained.
struct Reaped {
  keeper::Exit exit;
  Now at;
};

// The event of a change of state, from the moment the change is made until it is given to the listeners.
struct Untold {
  events::Event event;
  std::uint64_t serial = 0;
};

// Log files opened for a start whose answer has not come yet.
struct OpenedLogs {
  logs::RotatingFile out;
  logs::RotatingFile err;
};

// One process, alive or not.
struct Entry {
  Entry(ProcessId number, GroupEntry& of, const config::Process& options) : id(number), group(&of), config(options) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  [[nodiscard]] process::Rules rules() const { return process::rules_of(*config.program); }

  ProcessId id;
  GroupEntry* group;
  const config::Process& config;  // the group's
  process::Process machine;
  const config::FcgiSocket* socket = nullptr;  // its standard input, of a FastCGI program; the group's
  WallTime start{};  // epoch: never
  WallTime stop{};
  std::string spawn_error;         // Supervisor's spawnerr
  std::optional<int> exit_status;  // -1: ended by a signal
  std::string out_path;            // empty: no file
  std::string err_path;
  UniqueFd in;                    // our end of its stdin
  std::uint8_t open_channels = 0; // output pipes not yet at their end
  std::optional<Reaped> reaped;
  pid_t dealt_with = 0;           // a child of a former manager's whose end is on record; its notice is still to come
  pid_t abandoned = 0;            // a child that was killed because its pipes did not reach us
  std::optional<Untold> untold;
  std::unique_ptr<OpenedLogs> opened;
  std::vector<Waiter> waiters;
  std::optional<Time> next_report;  // of "waiting for x to stop"
};

// Where a process logs; empty: to no file.
struct LogPaths {
  std::string out;
  std::string err;
};

struct GroupEntry {
  std::shared_ptr<const config::Group> config;
  std::uint32_t generation = 0;  // of the configuration it was made from
  std::uint64_t arrival = 0;     // groups that came later have greater numbers
  std::vector<std::unique_ptr<Entry>> entries;  // in the order of the configuration
  std::vector<Entry*> by_name;                  // the same, sorted by name

  [[nodiscard]] Entry* find(std::string_view name) const;
  // By priority; those of equal priority in the order of the configuration.
  [[nodiscard]] std::vector<Entry*> by_priority() const;
};

// All groups. The cost of a look-up does not grow with the number of processes by more than a logarithm.
class Table {
 public:
  // A group whose name is taken replaces nothing: returns nullptr. One that was removed and comes again logs where it
  // did before.
  GroupEntry* add(std::shared_ptr<const config::Group> config, std::uint32_t generation);
  void remove(const std::string& group);
  // Where the processes of a removed group logged, in their order; nullptr when there was none of this configuration.
  // It is forgotten with the configuration: what is read anew has new AUTO log files.
  [[nodiscard]] const std::vector<LogPaths>* former_logs(const std::shared_ptr<const config::Group>& config) const;

  [[nodiscard]] GroupEntry* group(std::string_view name) const;
  [[nodiscard]] Entry* find(ProcessId id) const;
  // Ascending by priority, and those of equal priority as they came: the order of starting.
  [[nodiscard]] std::vector<GroupEntry*> in_order() const;
  // In the order in which they came: what Supervisor's table keeps.
  [[nodiscard]] std::vector<GroupEntry*> by_arrival() const;
  // Ascending by name: the order of listings.
  [[nodiscard]] const std::map<std::string, std::unique_ptr<GroupEntry>, std::less<>>& by_name() const { return groups_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  [[nodiscard]] ProcessId next_id() const { return next_id_; }
  void set_next_id(ProcessId id) { next_id_ = id; }
  // Gives an entry the id it had before (restoring).
  void renumber(Entry& entry, ProcessId id);

 private:
  template <class Less>
  [[nodiscard]] std::vector<GroupEntry*> sorted(Less less) const;

  void keep_logs(const GroupEntry& group);

  std::map<std::string, std::unique_ptr<GroupEntry>, std::less<>> groups_;
  std::unordered_map<ProcessId, Entry*> entries_;
  std::map<std::weak_ptr<const config::Group>, std::vector<LogPaths>, std::owner_less<>> former_;
  std::size_t tidy_at_ = 16;  // with so many in former_ those of forgotten configurations go
  ProcessId next_id_ = 1;
  std::uint64_t arrivals_ = 0;
};

// "x" when group and process have the same name, else "group:x".
[[nodiscard]] std::string namespec(const Entry& entry);

}  // namespace sup::engine
