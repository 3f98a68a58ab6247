// Processes that are not our children, safely: a pid is used again when its process has gone, a process descriptor
// (pidfd) never means another one, and no two processes have both pid and start time in common.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/unique_fd.h"

namespace sup::os {

// When the process was started, in clock ticks since the machine was; nothing when there is none of this pid.
[[nodiscard]] std::optional<std::uint64_t> start_time(pid_t pid);
// The same out of the text of /proc/PID/stat.
[[nodiscard]] std::optional<std::uint64_t> start_time_in(std::string_view stat);
// How long ago that was.
[[nodiscard]] Duration age(std::uint64_t start_time);
// Within which boot and which pid namespace pids and start times of this process mean something; empty when /proc does
// not tell.
[[nodiscard]] std::string pid_space();

// A descriptor for this very process, or none. It becomes readable when the process has ended.
[[nodiscard]] UniqueFd open_process(pid_t pid);
[[nodiscard]] bool has_ended(int process);
// 0 or errno, ESRCH when it has ended. The group is that of the process `pid`, which must be the descriptor's, if that
// leads one (ESRCH else).
[[nodiscard]] int signal_process(int process, int signal);
[[nodiscard]] int signal_group(int process, pid_t pid, int signal);

}  // namespace sup::os
