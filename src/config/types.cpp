#include "config/types.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "base/signals.h"
#include "base/strings.h"
#include "config/paths.h"

namespace sup::config {
namespace {

std::unexpected<Problem> refuse(std::string message, std::string hint = {}) {
  return std::unexpected(Problem{std::move(message), {}, std::move(hint)});
}

std::optional<bool> truth(std::string_view lower_case) {
  for (const auto* word : {"yes", "true", "on", "1"})
    if (lower_case == word) return true;
  for (const auto* word : {"no", "false", "off", "0"})
    if (lower_case == word) return false;
  return std::nullopt;
}

// Digits only, for numbers too big for to_int() that deserve a better message than that they are no numbers.
bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

Parsed<long long> to_integer(std::string_view text) {
  if (const auto value = to_int(text)) return *value;
  return refuse(fmt::format("invalid literal for int() with base 10: {}", python_repr(text)),
                "expected a whole number");
}

Parsed<bool> to_boolean(std::string_view text) {
  if (const auto value = truth(lower(text))) return *value;
  return refuse(fmt::format("not a valid boolean value: {}", python_repr(text)),
                "expected yes, true, on, 1, no, false, off or 0");
}

Parsed<long long> to_bytes(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, long long>, 3> units{
      {{"kb", 1024LL}, {"mb", 1024LL * 1024}, {"gb", 1024LL * 1024 * 1024}}};
  const std::string low = lower(text);
  std::string_view number = low;
  long long unit = 1;
  for (const auto& [suffix, size] : units) {
    if (!low.ends_with(suffix)) continue;
    number.remove_suffix(suffix.size());
    unit = size;
    break;
  }
  long long bytes = 0;
  const auto count = to_int(number);
  if (count && !__builtin_mul_overflow(*count, unit, &bytes)) return bytes;
  return refuse(fmt::format("invalid literal for int() with base 10: {}", python_repr(number)),
                "expected a number of bytes, or one followed by KB, MB or GB");
}

Parsed<std::uint32_t> to_octal(std::string_view text) {
  auto digits = trim(text);
  if (digits.starts_with("0o") || digits.starts_with("0O")) {
    digits.remove_prefix(2);
    if (digits.starts_with('_')) digits.remove_prefix(1);
    if (digits.starts_with('+') || digits.starts_with('-')) digits = {};
  }
  const auto value = to_int(digits, 8);
  if (value && *value >= 0 && *value <= std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(*value);
  }
  return refuse(fmt::format("{} can not be converted to an octal type", text), "expected octal digits, such as 022");
}

Parsed<std::vector<int>> to_exit_codes(std::string_view text) {
  std::vector<int> codes;
  if (text.empty()) return codes;
  for (const auto piece : split(text, ',')) {
    const auto code = to_int(piece);
    if (!code || *code < 0 || *code > 255) {
      return refuse(fmt::format("not a valid list of exit codes: {}", python_repr(text)),
                    "expected numbers from 0 to 255, separated by commas");
    }
    codes.push_back(static_cast<int>(*code));
  }
  return codes;
}

Parsed<int> to_signal(std::string_view text) {
  if (const auto number = to_int(text)) {
    if (is_signal(*number)) return static_cast<int>(*number);
    return refuse(fmt::format("value {} is not a valid signal number", python_repr(text)),
                  "expected a signal such as TERM, HUP, INT, QUIT, KILL, USR1 or USR2");
  }
  if (const auto number = signal_named(upper(trim(text)))) return *number;
  return refuse(fmt::format("value {} is not a valid signal name", python_repr(text)),
                "expected a signal such as TERM, HUP, INT, QUIT, KILL, USR1 or USR2");
}

Parsed<Restart> to_restart(std::string_view text) {
  const std::string word = lower(text);
  if (word == "unexpected") return Restart::unexpected;
  if (const auto value = truth(word)) return *value ? Restart::always : Restart::never;
  return refuse(fmt::format("invalid 'autorestart' value {}", python_repr(word)), "expected true, false or unexpected");
}

Parsed<Level> to_level(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Level>, 7> levels{{{"critical", Level::critical},
                                                                      {"error", Level::error},
                                                                      {"warn", Level::warn},
                                                                      {"info", Level::info},
                                                                      {"debug", Level::debug},
                                                                      {"trace", Level::trace},
                                                                      {"blather", Level::blather}}};
  const std::string word = lower(text);
  for (const auto& [name, level] : levels)
    if (word == name) return level;
  return refuse(fmt::format("bad logging level name {}", python_repr(text)),
                "expected critical, error, warn, info, debug, trace or blather");
}

Parsed<std::string> to_name(std::string_view text) {
  const auto name = trim(text);
  for (const char* character : {" ", ":", "/"}) {
    if (name.find(character) == name.npos) continue;
    return refuse(fmt::format("Invalid name: {} because of character: {}", python_repr(text), python_repr(character)));
  }
  return std::string(name);
}

std::vector<std::string> to_list(std::string_view text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  for (const auto piece : split(text, ','))
    items.emplace_back(trim(piece));
  return items;
}

Parsed<std::uint16_t> to_port(std::string_view text) {
  const auto port = to_int(text);
  if (!port && !is_digits(text)) return std::unexpected(to_integer(text).error());
  const std::string shown = port ? fmt::format("{}", *port) : std::string(text);
  if (port && *port < 1) return refuse(fmt::format("{} is below lower bound (1)", shown));
  if (!port || *port > 65535) return refuse(fmt::format("{} is above upper bound (65535)", shown));
  return static_cast<std::uint16_t>(*port);
}

Parsed<InetAddress> to_inet_address(std::string_view text) {
  const std::string hint = "expected PORT, HOST:PORT or *:PORT";
  const auto colon = text.rfind(':');
  InetAddress address;
  const auto port_text = colon == text.npos ? text : text.substr(colon + 1);
  if (colon != text.npos && port_text.empty()) return refuse("no port number specified in ''", hint);
  const auto port = to_port(port_text);
  if (!port) {
    // Behind a host the reason shows, without one it does not.
    return refuse(
        colon != text.npos ? port.error().message : fmt::format("not a valid port number: {} ", python_repr(text)),
        hint);
  }
  address.port = *port;
  if (colon != text.npos) address.host = lower(text.substr(0, colon));
  if (address.host == "*") address.host.clear();
  return address;
}

Parsed<User> to_user(std::string_view text, const Host& host) {
  if (const auto number = to_int(text)) {
    const bool fits = *number >= 0 && *number <= std::numeric_limits<std::uint32_t>::max();
    const auto uid = static_cast<std::uint32_t>(*number);
    if (fits && host.uid_exists(uid)) return User{std::string(text), uid};
    return refuse(fmt::format("Invalid user id {}", text), "no user of this machine has this number");
  }
  const std::string name(text);
  if (const auto uid = host.uid_of(name)) return User{name, *uid};
  return refuse(fmt::format("Invalid user name {}", text), "this machine has no such user");
}

Parsed<Owner> to_owner(std::string_view text, const Host& host) {
  const auto colon = text.find(':');
  auto user = to_user(text.substr(0, colon), host);
  if (!user) return std::unexpected(std::move(user.error()));
  Owner owner{user->uid, -1};
  if (colon == text.npos) return owner;
  const std::string group(text.substr(colon + 1));
  if (const auto number = to_int(group)) {
    const bool fits = *number >= 0 && *number <= std::numeric_limits<std::uint32_t>::max();
    if (fits && host.gid_exists(static_cast<std::uint32_t>(*number))) {
      owner.gid = *number;
      return owner;
    }
    return refuse(fmt::format("Invalid group id {}", group), "no group of this machine has this number");
  }
  const auto gid = host.gid_of(group);
  if (!gid) return refuse(fmt::format("Invalid group name {}", group), "this machine has no such group");
  owner.gid = *gid;
  return owner;
}

Parsed<std::string> to_existing_directory(std::string_view text, const Host& host) {
  std::string path = expand_user(text, host);
  if (host.is_directory(path)) return path;
  return refuse(fmt::format("{} is not an existing directory", text));
}

Parsed<std::string> to_path_in_directory(std::string_view text, const Host& host) {
  std::string path = expand_user(text, host);
  const std::string directory = directory_of(path);
  if (directory.empty() || host.is_directory(directory)) return path;
  return refuse(fmt::format("The directory named as part of the path {} does not exist", text),
                fmt::format("create {}", directory));
}

}  // namespace sup::config
