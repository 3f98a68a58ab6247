// supervisorctl, whole: what apps/supervisorctl.cpp calls.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace sup::ctl {

// `arguments` without the program's name. Returns the exit status.
[[nodiscard]] int run(const std::string& program, const std::vector<std::string>& arguments, const config::Host& host);

}  // namespace sup::ctl
