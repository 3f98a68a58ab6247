// The types of values: text -> value, or Supervisor's message and a hint. The Problems made here have no place yet.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "config/load.h"

namespace sup::config {

template <class T>
using Parsed = std::expected<T, Problem>;

[[nodiscard]] Parsed<long long> to_integer(std::string_view text);
[[nodiscard]] Parsed<bool> to_boolean(std::string_view text);
// A number of bytes with an optional KB, MB or GB.
[[nodiscard]] Parsed<long long> to_bytes(std::string_view text);
// File modes and masks.
[[nodiscard]] Parsed<std::uint32_t> to_octal(std::string_view text);
[[nodiscard]] Parsed<std::vector<int>> to_exit_codes(std::string_view text);
// A signal's number, or its name with or without SIG. 0 and the names of Python's signal module that are no signals
// are refused.
[[nodiscard]] Parsed<int> to_signal(std::string_view text);
[[nodiscard]] Parsed<Restart> to_restart(std::string_view text);
[[nodiscard]] Parsed<Level> to_level(std::string_view text);
// Trimmed; without the characters that would break event headers and web addresses.
[[nodiscard]] Parsed<std::string> to_name(std::string_view text);
// "a, b" -> "a" "b"; nothing for the empty text.
[[nodiscard]] std::vector<std::string> to_list(std::string_view text);

struct InetAddress {
  std::string host;  // empty: all interfaces
  std::uint16_t port = 0;
};
[[nodiscard]] Parsed<InetAddress> to_inet_address(std::string_view text);
// Only the port, 1 to 65535.
[[nodiscard]] Parsed<std::uint16_t> to_port(std::string_view text);

// Those that ask the machine.
[[nodiscard]] Parsed<User> to_user(std::string_view text, const Host& host);
// `user` or `user:group`. The message is the caller's affair.
[[nodiscard]] Parsed<Owner> to_owner(std::string_view text, const Host& host);
[[nodiscard]] Parsed<std::string> to_existing_directory(std::string_view text, const Host& host);
// A path whose directory part exists.
[[nodiscard]] Parsed<std::string> to_path_in_directory(std::string_view text, const Host& host);

}  // namespace sup::config
