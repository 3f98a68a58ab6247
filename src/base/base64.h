// Base64 as Python's base64 module reads and writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sup {

// On one line, padded.
[[nodiscard]] std::string base64_encode(std::string_view bytes);

// Characters outside the alphabet are skipped, and so is everything behind complete padding; nothing when the padding
// is missing or wrong.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace sup
