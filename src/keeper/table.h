// The keeper's table: what it remembers of every process, alive or not, for the manager of today and the next one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/unique_fd.h"
#include "keeper/plan.h"

namespace sup::keeper {

struct Entry {
  pid_t pid = 0;        // the last child; 0: none, or its end was acknowledged
  bool exited = false;  // reaped, but not acknowledged: `exit` is valid
  Exit exit;
  std::string record;  // the manager's own words
  UniqueFd in, out, err;
  int stop_signal = 0;
  std::uint32_t stop_wait_ms = 0;
  bool stop_as_group = false;
  bool kill_as_group = false;
  UniqueFd process;  // of one that an earlier keeper has started: init is its parent now, and this all we have of it

  [[nodiscard]] bool adopted() const { return static_cast<bool>(process); }
  [[nodiscard]] bool running() const { return pid != 0 && !exited; }
};

class Table {
 public:
  [[nodiscard]] Entry* find(ProcessId id);
  [[nodiscard]] const Entry* find(ProcessId id) const;
  // The entry of `id`, made if there is none.
  [[nodiscard]] Entry& at(ProcessId id) { return entries_[id]; }
  void started(ProcessId id, Spawned child);
  // The entry's id, or 0 if this is no running child of ours.
  [[nodiscard]] ProcessId reaped(pid_t pid, const Exit& exit);
  // An entry as another table of this process had it, or with a process that nobody here has started.
  void adopt(ProcessId id, Entry entry);
  // An adopted process has ended, how nobody can tell.
  void ended(ProcessId id);
  // Forgets the last child and its descriptors; the record stays.
  void acknowledge(ProcessId id);
  void drop(ProcessId id);
  void clear();

  [[nodiscard]] std::size_t running() const { return by_pid_.size() + adopted_; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::vector<ProcessId> ids() const;  // ascending

 private:
  std::unordered_map<ProcessId, Entry> entries_;
  std::unordered_map<pid_t, ProcessId> by_pid_;  // running children only
  std::size_t adopted_ = 0;                      // that run
};

}  // namespace sup::keeper
