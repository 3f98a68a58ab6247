// The order in which a daemon's groups stop: one after another, highest priority number first; inside a group all at
// once. Pure: told what stopped, it answers what to stop now. The cost of an answer does not depend on how many there are.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace sup::process {

class Shutdown {
 public:
  // `groups` in start order (ascending priority); in each the processes that are not stopped yet, in start order.
  explicit Shutdown(std::vector<std::vector<ProcessId>> groups);

  // What to stop first, in the order in which to signal (descending priority inside the group).
  [[nodiscard]] std::vector<ProcessId> begin();
  // `id` is stopped now; what to stop next, mostly nothing. Unknown ids are ignored.
  [[nodiscard]] std::vector<ProcessId> stopped(ProcessId id);
  [[nodiscard]] bool done() const { return left_ == 0; }
  // Everything that is not stopped yet, ascending: for "waiting for a, b to die".
  [[nodiscard]] std::vector<ProcessId> waiting() const;

 private:
  [[nodiscard]] std::vector<ProcessId> next_group();

  std::vector<std::vector<ProcessId>> groups_;
  std::unordered_map<ProcessId, std::size_t> group_of_;  // of those not stopped yet
  std::vector<std::size_t> open_;                        // per group: how many are not stopped yet
  std::size_t current_ = 0;                              // groups_[current_..] were told to stop
  std::size_t left_ = 0;
};

}  // namespace sup::process
