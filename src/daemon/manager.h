// The manager process: everything between the keeper's socket and the end of the daemon.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace sup::daemon {

// `keeper` is the manager's end of the keeper's socket, `daemonized` whether the keeper has left the foreground
// already, `arguments` the user's own. Returns the exit code of this process.
[[nodiscard]] int run_manager(UniqueFd keeper, bool daemonized, const std::string& program,
                              const std::vector<std::string>& arguments);

// What needs no keeper: --help, --version, --check and mistakes on the command line. Returns their exit code, or -1
// when the daemon is to be started.
[[nodiscard]] int run_without_daemon(const std::string& program, const std::vector<std::string>& arguments);

// Could this program, started with the user's `arguments`, go on with what is in `file` (handover.h)? Prints the answer
// as keeper::can_take_over_argument wants it; returns the exit code.
[[nodiscard]] int can_take_over(UniqueFd file, const std::vector<std::string>& arguments);

}  // namespace sup::daemon
