// What a browser asks for: the fields of an address and a form, and the escapes of both.
#pragma once

#include <string>
#include <string_view>

namespace sup::web {

// The fields that the pages know; empty when absent. Valid UTF-8 without control characters.
struct Form {
  std::string processname;
  std::string action;
  std::string message;
  std::string limit;
};

// Reads `query` (behind the question mark) and an urlencoded `body`. Of a field's values the first in the query counts,
// the last in the body, and the body wins. Fields without value are as good as absent.
[[nodiscard]] Form parse_form(std::string_view query, std::string_view body);

// As Python's urllib.parse.quote: everything but letters, digits and "_.-~/" as %XX.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace sup::web
