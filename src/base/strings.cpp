#include "base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace sup {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  // 0: not a valid UTF-8 sequence
};

// Decodes one character as RFC 3629 allows it: no overlong forms, no surrogates, nothing above U+10FFFF.
Character decode(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first <= 0xDF && tail(1)) return {char32_t((first & 0x1F) << 6 | (byte(1) & 0x3F)), 2};
  if (first >= 0xE0 && first <= 0xEF && tail(1) && tail(2)) {
    const char32_t code = char32_t((first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F));
    if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) return {code, 3};
  }
  if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    const char32_t code = char32_t((first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F));
    if (code >= 0x10000 && code <= 0x10FFFF) return {code, 4};
  }
  return {};
}

// How many bytes from the start are ASCII, or as many of them as are found quickly.
std::size_t ascii_prefix(std::string_view text) noexcept {
  constexpr std::uint64_t high = 0x8080808080808080;
  std::size_t i = 0;
  for (std::uint64_t word = 0; i + sizeof word <= text.size(); i += sizeof word) {
    std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & high) != 0) break;
  }
  return i;
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

std::string quoted(std::string_view text, bool unicode) {
  const bool has_single = text.find('\'') != text.npos;
  const char quote = has_single && text.find('"') == text.npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const Character decoded = decode(text.substr(i));
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    } else if (static_cast<unsigned char>(c) < 0x80) {
      out += c;
    } else if (unicode && decoded.length > 0 && decoded.code >= 0xA1 && decoded.code != 0xAD) {
      out.append(text.substr(i, decoded.length));
      i += decoded.length - 1;
    } else if (unicode && decoded.length > 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint32_t>(decoded.code));
      i += decoded.length - 1;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
    ++i;
  }
  out += quote;
  return out;
}

}  // namespace

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trim_left(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim_right(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) noexcept { return trim_left(trim_right(text)); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const auto at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == text.npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    text = trim_left(text);
    if (text.empty()) return words;
    std::size_t end = 0;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string join(const std::vector<std::string>& pieces, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) out += separator;
    out += pieces[i];
  }
  return out;
}

std::optional<long long> to_int(std::string_view text, int base) noexcept {
  text = trim(text);
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  long long value = 0;
  bool digit_before = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && digit_before && i + 1 < text.size()) {
      digit_before = false;
      continue;
    }
    const int digit = digit_value(text[i]);
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, base, &value)) return std::nullopt;
    if (negative ? __builtin_sub_overflow(value, digit, &value) : __builtin_add_overflow(value, digit, &value)) {
      return std::nullopt;
    }
    digit_before = true;
  }
  if (!digit_before) return std::nullopt;
  return value;
}

std::optional<std::string> whole_number(std::string_view text) {
  constexpr std::size_t most_digits = 4300;
  text = trim(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool between = i > 0 && i + 1 < text.size() && text[i - 1] != '_';
    if (text[i] == '_' && between) continue;
    if (digit_value(text[i]) >= 10 || digits.size() == most_digits) return std::nullopt;
    digits += text[i];
  }
  if (digits.empty()) return std::nullopt;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return negative && digits != "0" ? "-" + digits : digits;
}

std::string python_repr(std::string_view text) { return quoted(text, true); }

std::string python_bytes_repr(std::string_view bytes) { return "b" + quoted(bytes, false); }

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto length = decode(bytes).length;
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::size_t utf8_length(std::string_view text) noexcept {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const std::size_t ascii = ascii_prefix(text);
    count += ascii;
    text.remove_prefix(ascii);
    if (text.empty()) break;
    const auto length = decode(text).length;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return count;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  const std::size_t length = b.size();
  for (std::size_t i = 0; i < length; ++i) {
    const char mine = i < a.size() ? a[i] : '\0';
    difference = static_cast<unsigned char>(difference | (mine ^ b[i]));
  }
  return difference == 0;
}

}  // namespace sup
