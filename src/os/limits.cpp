#include "os/limits.h"

#include <cerrno>
#include <string>

namespace sup::os {

Result<Limit> get_limit(int resource) {
  rlimit limit{};
  // prlimit(2) takes a plain int where glibc's setrlimit(3) wants its own enumeration in C++.
  if (prlimit(0, static_cast<__rlimit_resource>(resource), nullptr, &limit) != 0) {
    return std::unexpected(system_error("getrlimit", std::to_string(resource), errno));
  }
  return Limit{limit.rlim_cur, limit.rlim_max};
}

Result<> set_limit(int resource, const Limit& limit) {
  const rlimit wanted{limit.soft, limit.hard};
  if (prlimit(0, static_cast<__rlimit_resource>(resource), &wanted, nullptr) != 0) {
    return std::unexpected(system_error("setrlimit", std::to_string(resource), errno));
  }
  return {};
}

}  // namespace sup::os
