// `supervisord --check`: every problem of a configuration with its place, nothing started.
#pragma once

#include <string>

#include "config/load.h"

namespace sup::daemon {

// Prints to standard output and error; the exit code: 0 when the daemon would start with it, else 2.
[[nodiscard]] int check(const std::string& path, const config::Host& host, const config::DaemonOverrides& overrides);

// "  file /etc/x.conf, line 7\n  hint: ...\n"; nothing for a problem that is at no place in a file.
[[nodiscard]] std::string describe_place(const config::Problem& problem);

}  // namespace sup::daemon
