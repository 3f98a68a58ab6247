// Host headers: what they name, and whether that is us.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::http {

struct Authority {
  std::string_view name;  // empty: not well-formed
  std::string_view port;  // empty: none
};

// "host", "host:port" or "[address]:port".
[[nodiscard]] Authority parse_authority(std::string_view text);

// Is the value of a Host header an address, localhost, this machine's own name, or one of `more`, where "*" is any? Only
// of other names may somebody else's DNS say that they are here. An absent header comes from no browser, and is good.
[[nodiscard]] bool is_own_name(std::string_view host, const std::optional<std::vector<std::string>>& more);

}  // namespace sup::http
