// `supervisord --check`: every problem of a configuration with its place, nothing started.
#pragma once

#include <string>

#include "config/load.h"

namespace sup::daemon {

// Prints to standard output and error; the exit code: 0 when the daemon would start with it, else 2.
[[nodiscard]] int check(const std::string& path, const config::Host& host, const config::DaemonOverrides& overrides);

}  // namespace sup::daemon
