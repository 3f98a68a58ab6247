#include "events/ticks.h"

#include <algorithm>
#include <chrono>

namespace sup::events {
namespace {

struct Period {
  Type type;
  std::int64_t seconds;
};
constexpr std::array<Period, 3> periods{{{Type::tick_5, 5}, {Type::tick_60, 60}, {Type::tick_3600, 3600}}};

std::int64_t begin_of(const Period& period, WallTime now) {
  const std::int64_t seconds = std::chrono::floor<Seconds>(now).time_since_epoch().count();
  const std::int64_t into = seconds % period.seconds;
  return seconds - (into < 0 ? into + period.seconds : into);
}

}  // namespace

void Ticks::begin(WallTime now) {
  for (std::size_t i = 0; i < periods.size(); ++i) shown_[i] = begin_of(periods[i], now);
}

std::vector<Event> Ticks::due(WallTime now) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < periods.size(); ++i) {
    const std::int64_t current = begin_of(periods[i], now);
    if (current == shown_[i]) continue;
    shown_[i] = current;
    events.push_back({periods[i].type, tick_body(current)});
  }
  return events;
}

std::optional<Duration> Ticks::until_next(WallTime now, const Subscription& wanted) {
  const auto shortest = std::ranges::find_if(periods, [&](const Period& period) { return wanted.wants(period.type); });
  if (shortest == periods.end()) return std::nullopt;
  return WallTime(Seconds(begin_of(*shortest, now) + shortest->seconds)) - now;
}

}  // namespace sup::events
