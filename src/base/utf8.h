// Text that must survive foreign parsers: XML clients, terminals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sup {

// What stands at the start of a text.
struct Utf8Step {
  std::uint8_t length = 0;  // bytes of the character; of the longest broken prefix (at least 1) when not valid
  bool valid = false;
  bool truncated = false;  // not valid only because the text ends within the character
};

// Decodes one character of `text`, which is not empty. Overlong forms, surrogates and numbers above U+10FFFF are not
// valid.
[[nodiscard]] Utf8Step utf8_step(std::string_view text) noexcept;

// How many bytes from the start are characters that XML 1.0 allows, in UTF-8.
[[nodiscard]] std::size_t xml_safe_prefix(std::string_view text) noexcept;

// `text` with U+FFFD for every byte sequence that is not UTF-8 and every character that XML 1.0 forbids (control
// characters but tab, newline and carriage return; U+FFFE, U+FFFF).
[[nodiscard]] std::string make_xml_safe(std::string_view text);

}  // namespace sup
