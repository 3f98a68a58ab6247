#include "os/oom_score.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "base/unique_fd.h"

namespace sup::os {
namespace {

constexpr const char* file = "/proc/self/oom_score_adj";

}  // namespace

std::string oom_score_adjustment() {
  const UniqueFd fd(open(file, O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  const ssize_t got = fd ? read(fd.get(), text.data(), text.size()) : -1;
  return got > 0 ? std::string(trim({text.data(), static_cast<std::size_t>(got)})) : std::string();
}

bool set_oom_score_adjustment(std::string_view value) {
  const UniqueFd fd(open(file, O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

}  // namespace sup::os
