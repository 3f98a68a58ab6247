// How eager the kernel is to kill this process when memory runs out.
#pragma once

#include <string>
#include <string_view>

namespace sup::os {

// -1000 to 1000 as text, "-1000" for never; empty when the kernel does not tell.
[[nodiscard]] std::string oom_score_adjustment();
// False when it is not allowed: only root may lower it.
[[nodiscard]] bool set_oom_score_adjustment(std::string_view value);

}  // namespace sup::os
