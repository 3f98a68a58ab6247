#include "http/host.h"

#include <arpa/inet.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace sup::http {
namespace {

bool consists_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [more](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || more.find(c) != more.npos;
  });
}

bool is_address(const std::string& name) {
  in_addr address{};
  return name.starts_with('[') || inet_pton(AF_INET, name.c_str(), &address) == 1;
}

bool is_hostname(const std::string& name) {
  std::array<char, HOST_NAME_MAX + 1> own{};
  return gethostname(own.data(), own.size() - 1) == 0 && name == lower(own.data());
}

}  // namespace

Authority parse_authority(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const auto end = bracketed ? text.find(']') : text.find(':');
  const std::string_view name = text.substr(0, end == text.npos ? end : end + (bracketed ? 1 : 0));
  std::string_view port = text.substr(name.size());
  const bool well_formed = bracketed ? name.size() > 3 && name.ends_with(']') &&
                                           consists_of(name.substr(1, name.size() - 2), ":.%-_~")
                                     : !name.empty() && consists_of(name, ".-_");
  if (!well_formed || (!port.empty() && port.front() != ':')) return {};
  if (!port.empty()) port.remove_prefix(1);
  if (!std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return {};
  return {name, port};
}

bool is_own_name(std::string_view host, const std::optional<std::vector<std::string>>& more) {
  if (host.empty()) return true;
  std::string name = lower(parse_authority(trim(host)).name);
  if (name.ends_with('.')) name.pop_back();  // "localhost.", the same name from the root
  if (name.empty()) return false;
  if (is_address(name) || name == "localhost" || name.ends_with(".localhost") || is_hostname(name)) return true;
  return more && std::ranges::any_of(*more, [&name](const std::string& other) { return other == "*" || lower(other) == name; });
}

}  // namespace sup::http
