#include "base/result.h"

#include <fmt/format.h>

#include <cstring>

namespace sup {

Error system_error(std::string_view call, std::string_view subject, int code) {
  const char* reason = strerrordesc_np(code);
  if (reason == nullptr) reason = "Unknown error";
  if (subject.empty()) return {code, fmt::format("{}: {}", call, reason)};
  return {code, fmt::format("{} {}: {}", call, subject, reason)};
}

std::string errno_name(int code) {
  const char* name = strerrorname_np(code);
  return name != nullptr ? name : std::to_string(code);
}

}  // namespace sup
