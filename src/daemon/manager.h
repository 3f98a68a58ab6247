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

}  // namespace sup::daemon
