#include "web/origin.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "http/host.h"

namespace sup::web {
namespace {

using http::Authority;
using http::parse_authority;

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

// A page's POST has an Origin; of a GET, a page can leave out all that tells.
bool may_be_a_page(const http::Request& request) {
  return request.method != "POST" || !request.header("Origin").empty() || !request.header("Referer").empty();
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
  if (!request.own_name && may_be_a_page(request)) {
    return fmt::format("{} is no name of this server, see allowed_hosts", python_repr(request.header("Host").substr(0, 200)));
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
