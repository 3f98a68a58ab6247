#include "base/base64.h"

#include <array>
#include <cstdint>

namespace sup {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t outside = 64;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values)
    value = outside;
  for (std::uint8_t i = 0; i < 64; ++i)
    values[static_cast<std::uint8_t>(alphabet[i])] = i;
  return values;
}
constexpr auto values = make_values();

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= count ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int place = 0;  // characters of the current group of four
  int pads = 0;
  for (const char c : text) {
    if (c == '=') {
      if (place >= 2 && place + ++pads >= 4) return out;
      continue;
    }
    const std::uint8_t value = values[static_cast<std::uint8_t>(c)];
    if (value == outside) continue;
    pads = 0;
    bits = bits << 6 | value;
    // A byte is complete at the second, third and fourth character.
    if (place > 0) out += static_cast<char>(bits >> (6 - 2 * place) & 0xFF);
    place = (place + 1) % 4;
  }
  if (place != 0) return std::nullopt;
  return out;
}

}  // namespace sup
