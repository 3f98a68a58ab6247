#include "web/origin.h"

#include <algorithm>

#include "base/strings.h"

namespace sup::web {
namespace {

struct Authority {
  std::string_view name;  // empty: not well-formed
  std::string_view port;  // empty: none
};

bool consists_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [more](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || more.find(c) != more.npos;
  });
}

// "host", "host:port" or "[address]:port".
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

// The host in "http://host:port/path"; empty for "null" and whatever else has none.
std::string host_in(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  return lower(parse_authority(url.substr(0, url.find_first_of("/?#"))).name);
}

bool is_own(const http::Request& request, const std::string& host) {
  if (host.empty()) return false;
  if (lower(parse_authority(trim(request.header("Host"))).name) == host) return true;
  // Each proxy adds one, in front of those it got: the first is what the browser asked for.
  const std::string_view forwarded = request.header("X-Forwarded-Host");
  return lower(parse_authority(trim(forwarded.substr(0, forwarded.find(',')))).name) == host;
}

bool is_speculative(const http::Request& request) {
  for (const std::string_view name : {"Sec-Purpose", "Purpose", "X-Moz"}) {
    if (lower(request.header(name)).find("prefetch") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string own_url(const http::Request& request) {
  const Authority authority = parse_authority(trim(request.header("Host")));
  if (authority.name.empty()) return {};
  std::string url = "http://";
  url.append(authority.name);
  if (!authority.port.empty() && authority.port != "80") url.append(":").append(authority.port);
  return url;
}

std::string distrust(const http::Request& request) {
  if (is_speculative(request)) return "the browser only fetches in advance";
  if (const std::string site = lower(trim(request.header("Sec-Fetch-Site"))); !site.empty()) {
    if (site == "same-origin" || site == "same-site" || site == "none") return {};
    return "it comes from another site";
  }
  for (const std::string_view name : {"Origin", "Referer"}) {
    const std::string_view value = trim(request.header(name));
    if (value.empty()) continue;
    if (is_own(request, host_in(value))) return {};
    return "it comes from another site, " + python_repr(value.substr(0, 200));
  }
  return {};
}

}  // namespace sup::web
