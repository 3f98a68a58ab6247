// Server URLs with the judgement of Python's urllib.parse.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "ctl/failure.h"

namespace sup::ctl {

struct UrlParts {
  std::string scheme;  // lower case; empty when there is none
  std::string_view authority;
  std::string_view path;
};

// An error is the text of Python's ValueError. The parts refer to `url`.
[[nodiscard]] std::expected<UrlParts, std::string> split_url(std::string_view url);

// The check of -s: "value 'foo' is not a URL".
[[nodiscard]] std::expected<void, std::string> check_url(std::string_view url);

// Whether a client can be made for it: only http:// and unix:// servers are known.
[[nodiscard]] Tried<> check_server(std::string_view url);

}  // namespace sup::ctl
