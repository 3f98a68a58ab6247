// Where the running program was started from.
#pragma once

#include <string>

namespace sup::os {

// The path to start this program again by: the one it was started from when that can be found, so that a new binary
// put there is what runs next; else the kernel's word for it.
[[nodiscard]] std::string self_path(const std::string& argv0);

// Is it the file that runs now? After a package upgrade the path of old names another one.
[[nodiscard]] bool is_running_program(const std::string& path);

}  // namespace sup::os
