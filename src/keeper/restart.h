// When the next manager is due after one has ended. Pure: it is told the time.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace sup::keeper {

class RestartPolicy {
 public:
  static constexpr Duration short_life = std::chrono::seconds(1);
  static constexpr Duration first_delay = std::chrono::milliseconds(100);
  static constexpr Duration longest_delay = std::chrono::seconds(10);

  void started(Time now) { started_ = now; }

  // At once, unless managers die young one after another: then after a delay that doubles.
  [[nodiscard]] Time ended(Time now) {
    if (now - started_ >= short_life) {
      quick_deaths_ = 0;
      return now;
    }
    ++quick_deaths_;
    if (quick_deaths_ == 1) return now;
    const int doublings = std::min(quick_deaths_ - 2, 10);
    return now + std::min(first_delay * (1 << doublings), longest_delay);
  }

  // Managers in a row that died young, up to the last that ended.
  [[nodiscard]] int quick_deaths() const { return quick_deaths_; }

 private:
  Time started_{};
  int quick_deaths_ = 0;
};

}  // namespace sup::keeper
