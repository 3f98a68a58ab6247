// What we say of ourselves.
#pragma once

#include <string_view>

namespace sup {

// The version of Supervisor whose behaviour this is; clients parse it.
inline constexpr std::string_view supervisor_version = "4.4.0";

}  // namespace sup
