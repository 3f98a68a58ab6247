#include "logs/patience.h"

#include <poll.h>

#include <algorithm>

namespace sup::logs {
namespace {

constexpr Duration per_second = std::chrono::milliseconds(100);

Time now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

}  // namespace

bool Patience::wait_writable(int fd) {
  const Time begin = now();
  if (begin - window_ >= Seconds(1)) {
    window_ = begin;
    spent_ = {};
  }
  const Duration left = given_up_ ? Duration{} : std::max(per_second - spent_, Duration{});
  pollfd request{fd, POLLOUT, 0};
  const timespec limit{0, static_cast<long>(left.count())};
  const bool ready = ::ppoll(&request, 1, &limit, nullptr) == 1;
  spent_ += now() - begin;
  if (!ready) given_up_ = true;
  return ready;
}

}  // namespace sup::logs
