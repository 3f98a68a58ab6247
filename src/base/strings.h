// Text helpers with Python's meaning of white space, since Python's rules are the contract of files and commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup {

// space, \t, \n, \r, \v, \f: what str.strip() removes from ASCII text.
[[nodiscard]] bool is_space(char c) noexcept;
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
[[nodiscard]] std::string_view trim_left(std::string_view text) noexcept;
[[nodiscard]] std::string_view trim_right(std::string_view text) noexcept;

// ASCII only: configuration keys and values that are compared without case.
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string upper(std::string_view text);

// Every piece between separators, empty ones too: "a,,b" -> "a" "" "b"; "" -> "".
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
// Pieces between runs of white space; never an empty one.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& pieces, std::string_view separator);

// A whole number that fills the text, with Python int()'s liberties: surrounding white space, a sign, `_` between digits.
[[nodiscard]] std::optional<long long> to_int(std::string_view text, int base = 10) noexcept;
// The same in base 10 with up to 4,300 digits, Python's limit, as Python shows it: "+0_12" is "12".
[[nodiscard]] std::optional<std::string> whole_number(std::string_view text);

// Python's repr() of a str: quotes chosen and characters escaped as it does. Bytes that are not UTF-8 show as \xNN.
[[nodiscard]] std::string python_repr(std::string_view text);
// Python's repr() of a bytes object, b'...'.
[[nodiscard]] std::string python_bytes_repr(std::string_view bytes);

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;
// How many characters the UTF-8 text has; every byte that starts no valid sequence counts as one.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

// Equal? In time that depends on the lengths alone, for secrets.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace sup
