// The two quoting languages of the file, both Python's shlex in POSIX mode: command lines and environment= lists.
//
// Single quotes take everything literally; in double quotes a backslash protects `"` and `\`; elsewhere it protects
// any character; adjacent pieces are one word.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace sup::config {

// shlex.split(): words between white space, no comments. The error is Python's text, "No closing quotation" or
// "No escaped character".
[[nodiscard]] std::expected<std::vector<std::string>, std::string> shell_split(std::string_view text);

// KEY=value pairs, separated by any one token (a comma by custom), where a later value of a key replaces the earlier
// one in its place. `#` starts a comment. The error is Supervisor's text.
[[nodiscard]] std::expected<Environment, std::string> parse_environment(std::string_view text);

}  // namespace sup::config
