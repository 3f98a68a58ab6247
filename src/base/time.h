// Time is told, never asked: code that decides takes a `Time` or a `WallTime` as a parameter.
#pragma once

#include <chrono>

namespace sup {

using Seconds = std::chrono::seconds;
using Duration = std::chrono::nanoseconds;

// For durations and deadlines: CLOCK_MONOTONIC, which all processes of one boot share.
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// For display and for the API: the time of day.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

struct Now {
  Time mono{};
  WallTime wall{};
};

// Where effects ask the time. There is one real clock (os/clock.h) and fakes for tests.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Now now() const = 0;
};

}  // namespace sup
