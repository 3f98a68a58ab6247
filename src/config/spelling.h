// Guessing what somebody meant who mistyped a name.
#pragma once

#include <string_view>
#include <vector>

namespace sup::config {

// The candidate with the smallest edit distance to `name`, if it is near enough to be a typing mistake; else "".
[[nodiscard]] std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace sup::config
