// Small texts of HTTP: escapes in addresses, dates in headers.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace sup::http {

// "%41b" -> "Ab"; a percent sign without two hexadecimal digits stays as it is. As Python's urllib.parse.unquote.
[[nodiscard]] std::string unquote(std::string_view text);

// "Sun, 22 Nov 2026 17:18:48 GMT"
[[nodiscard]] std::string format_date(std::time_t time);

}  // namespace sup::http
