#include "base/utf8.h"

#include <algorithm>
#include <cstring>

namespace sup {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

// Eight bytes at once: is any of them a control character or not ASCII? Tab and newline count too; the slow path
// looks again.
bool has_special(std::uint64_t word) {
  constexpr std::uint64_t high = 0x8080808080808080, spaces = 0x2020202020202020;
  return (((word - spaces) | word) & high) != 0;
}

bool is_plain(std::uint8_t c) {
  return (c >= 0x20 && c < 0x80) || c == '\n' || c == '\t' || c == '\r';
}

bool is_noncharacter(std::string_view three) {  // U+FFFE, U+FFFF
  return byte_at(three, 0) == 0xEF && byte_at(three, 1) == 0xBF && byte_at(three, 2) >= 0xBE;
}

}  // namespace

Utf8Step utf8_step(std::string_view text) noexcept {
  const std::uint8_t lead = byte_at(text, 0);
  if (lead < 0x80) return {1, true, false};
  if (lead < 0xC2 || lead > 0xF4) return {1, false, false};
  const std::uint8_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range excludes overlong forms, surrogates and numbers above the last one.
  std::uint8_t low = 0x80, high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::uint8_t i = 1; i < length; ++i) {
    if (i >= text.size()) return {i, false, true};
    const std::uint8_t c = byte_at(text, i);
    if (c < low || c > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, false};
}

std::size_t xml_safe_prefix(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, sizeof word);
      if (!has_special(word)) {
        i += 8;
        continue;
      }
    }
    const std::size_t stop = std::min(i + 8, text.size());
    while (i < stop) {
      const std::uint8_t c = byte_at(text, i);
      if (is_plain(c)) {
        ++i;
        continue;
      }
      if (c < 0x80 && c != 0x7F) return i;
      const Utf8Step step = utf8_step(text.substr(i));
      if (!step.valid || (step.length == 3 && is_noncharacter(text.substr(i, 3)))) return i;
      i += step.length;
    }
  }
  return i;
}

std::string make_xml_safe(std::string_view text) {
  std::size_t good = xml_safe_prefix(text);
  if (good == text.size()) return std::string(text);
  std::string out;
  out.reserve(text.size() + text.size() / 16 + 16);
  for (;;) {
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) return out;
    out.append(replacement);
    text.remove_prefix(utf8_step(text).length);
    good = xml_safe_prefix(text);
  }
}

}  // namespace sup
