// What changed between two configurations, as `reread` shows it and `update` acts on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"

namespace sup::config {

struct Changes {
  std::vector<std::string> added;    // in the order of the new groups: (priority, name)
  std::vector<std::string> changed;  // likewise
  std::vector<std::string> removed;  // in the order of the running groups
};

// Supervisor's equality of a running group and one of the same name: every process option, environment and server URL,
// except that a log file is not compared when it is AUTO from now on; priority; order of processes; pool and socket
// settings.
[[nodiscard]] bool same(const Group& running, const Group& wanted);

[[nodiscard]] Changes diff(const std::vector<const Group*>& running,
                           const std::vector<std::shared_ptr<const Group>>& wanted);

}  // namespace sup::config
