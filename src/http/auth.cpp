#include "http/auth.h"

#include <fmt/format.h>

#include <boost/uuid/detail/sha1.hpp>
#include <iterator>
#include <string>

#include "base/base64.h"
#include "base/strings.h"

namespace sup::http {
namespace {

constexpr std::string_view hash_prefix = "{SHA}";

std::string sha1_hex(std::string_view text) {
  boost::uuids::detail::sha1 sha1;
  sha1.process_bytes(text.data(), text.size());
  boost::uuids::detail::sha1::digest_type digest;
  sha1.get_digest(digest);
  std::string hex;
  for (const unsigned int word : digest)
    fmt::format_to(std::back_inserter(hex), "{:08x}", word);
  return hex;
}

bool password_matches(std::string_view stored, std::string_view given) {
  if (!stored.starts_with(hash_prefix)) return equal_constant_time(stored, given);
  return equal_constant_time(stored.substr(hash_prefix.size()), sha1_hex(given));
}

}  // namespace

Admission admit(const Credentials& credentials, const Request& request) {
  if (credentials.username.empty()) return Admission::granted;
  const std::string_view header = request.header("Authorization");
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos || lower(header.substr(0, space)) != "basic") return Admission::missing;
  const auto decoded = base64_decode(header.substr(space + 1));
  if (!decoded || !is_utf8(*decoded)) return Admission::malformed;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string::npos) return Admission::colonless;
  const std::string_view text = *decoded;
  const bool user = equal_constant_time(credentials.username, text.substr(0, colon));
  const bool password = password_matches(credentials.password, text.substr(colon + 1));
  return user && password ? Admission::granted : Admission::wrong;
}

int status_of(Admission admission) {
  switch (admission) {
    case Admission::granted:
      return 200;
    case Admission::missing:
    case Admission::wrong:
      return 401;
    case Admission::malformed:
      return 400;
    case Admission::colonless:
      return 500;  // as Supervisor answers
  }
  return 500;
}

}  // namespace sup::http
