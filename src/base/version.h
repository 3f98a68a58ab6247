// What we say of ourselves.
#pragma once

#include <string_view>

namespace sup {

// The version of Supervisor whose behaviour this is; clients parse it.
inline constexpr std::string_view supervisor_version = "4.4.0";

// Our own, that of the release; CMakeLists.txt has it too. Upgrades tell it.
extern const std::string_view version;

}  // namespace sup
