// TICK events: when a period of the wall clock begins, as pure bookkeeping.
//
// Periods are aligned to the epoch. A boundary that was slept over yields one event, not one for each period; a clock
// that was set, forwards or backwards, yields an event when it shows another period.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "events/event.h"

namespace sup::events {

class Ticks {
 public:
  // The periods that run at `now` are no news.
  void begin(WallTime now);
  // One event for each period that began since the last call of this or begin(), shortest period first.
  [[nodiscard]] std::vector<Event> due(WallTime now);
  // From `now` to the next boundary of a type that `wanted` covers; nullopt when it covers none.
  [[nodiscard]] static std::optional<Duration> until_next(WallTime now, const Subscription& wanted);

 private:
  std::array<std::int64_t, 3> shown_{};  // per period: the begin of the one that was told last, epoch seconds
};

}  // namespace sup::events
