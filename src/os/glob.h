// File name patterns with the meaning of Python's glob.glob(): `*`, `?`, `[abc]`, `[!a-c]`, no escapes, `**` is `*`,
// and names that begin with a dot match only patterns that begin with one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sup::os {

// Whether a whole name matches; characters are those of UTF-8.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view name);

// The existing paths that match, in no particular order. A pattern without special characters finds the path itself.
[[nodiscard]] std::vector<std::string> glob(const std::string& pattern);

}  // namespace sup::os
