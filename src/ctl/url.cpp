#include "ctl/url.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace sup::ctl {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_scheme(std::string_view text) {
  return !text.empty() && is_letter(text[0]) && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

// What Python's `urlparse(url).port` finds wrong with "host:port".
Tried<> check_port(std::string_view authority) {
  authority.remove_prefix(std::min(authority.rfind('@') + 1, authority.size()));  // npos + 1 is 0
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  if (colon == authority.npos || colon + 1 == authority.size()) return {};
  const std::string_view port = authority.substr(colon + 1);
  if (!std::ranges::all_of(port, is_digit)) {
    return failed("ValueError", fmt::format("Port could not be cast to integer value as {}", python_repr(port)));
  }
  const auto number = to_int(port);
  if (!number || *number > 65535) return failed("ValueError", "Port out of range 0-65535");
  return {};
}

}  // namespace

std::expected<UrlParts, std::string> split_url(std::string_view url) {
  UrlParts parts;
  std::string_view rest = url;
  if (const auto colon = url.find(':'); colon != url.npos && is_scheme(url.substr(0, colon))) {
    parts.scheme = lower(url.substr(0, colon));
    rest = url.substr(colon + 1);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    parts.authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(parts.authority.size());
    if (parts.authority.contains('[') != parts.authority.contains(']')) return std::unexpected("Invalid IPv6 URL");
  }
  parts.path = rest.substr(0, rest.find_first_of("?#"));
  return parts;
}

std::expected<void, std::string> check_url(std::string_view url) {
  const auto parts = split_url(url);
  if (!parts) return std::unexpected(parts.error());
  if (!parts->scheme.empty() && !(parts->authority.empty() && parts->path.empty())) return {};
  return std::unexpected(fmt::format("value {} is not a URL", python_repr(url)));
}

Tried<> check_server(std::string_view url) {
  if (url.starts_with("unix://")) return {};
  if (!url.starts_with("http://")) {
    return failed("ValueError", fmt::format("Unknown protocol for serverurl {}", url));
  }
  const auto parts = split_url(url);
  if (!parts) return failed("ValueError", parts.error());
  return check_port(parts->authority);
}

}  // namespace sup::ctl
