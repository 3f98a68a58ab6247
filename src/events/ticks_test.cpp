#include "events/ticks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sup::events {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t midnight = 1'700'006'400;  // a multiple of 3600

WallTime at(std::int64_t second, int ms = 0) { return WallTime(Seconds(midnight + second) + milliseconds(ms)); }

std::vector<std::string> names(const std::vector<Event>& events) {
  std::vector<std::string> all;
  for (const Event& event : events) all.push_back(std::string(type_name(event.type)) + " " + event.body);
  return all;
}

std::string line(const char* type, std::int64_t second) {
  return std::string(type) + " when:" + std::to_string(midnight + second);
}

TEST(Ticks, ThePeriodInWhichItBeginsIsNoNews) {
  Ticks ticks;
  ticks.begin(at(3));
  EXPECT_TRUE(ticks.due(at(4, 999)).empty());
  EXPECT_THAT(names(ticks.due(at(5))), testing::ElementsAre(line("TICK_5", 5)));
  EXPECT_TRUE(ticks.due(at(5)).empty());
}

TEST(Ticks, AtASharedBoundaryTheShortestComesFirst) {
  Ticks ticks;
  ticks.begin(at(3599));
  EXPECT_THAT(names(ticks.due(at(3600, 20))),
              testing::ElementsAre(line("TICK_5", 3600), line("TICK_60", 3600), line("TICK_3600", 3600)));
}

TEST(Ticks, BoundariesThatWereSleptOverYieldOneEvent) {
  Ticks ticks;
  ticks.begin(at(1));
  EXPECT_THAT(names(ticks.due(at(59))), testing::ElementsAre(line("TICK_5", 55)));
}

TEST(Ticks, AClockThatIsSetBackShowsAnotherPeriod) {
  Ticks ticks;
  ticks.begin(at(125));
  EXPECT_THAT(names(ticks.due(at(70))), testing::ElementsAre(line("TICK_5", 70), line("TICK_60", 60)));
}

TEST(Ticks, TimesBeforeTheEpochAreRoundedDownToo) {
  Ticks ticks;
  ticks.begin(WallTime(Seconds(0)));
  EXPECT_EQ(names(ticks.due(WallTime(Seconds(-1)))).front(), "TICK_5 when:-5");
}

TEST(Ticks, TheNextBoundaryIsThatOfTheShortestPeriodSomebodyWants) {
  EXPECT_EQ(Ticks::until_next(at(3, 500), Subscription({"TICK"})), milliseconds(1500));
  EXPECT_EQ(Ticks::until_next(at(5), Subscription({"TICK_5"})), Seconds(5));
  EXPECT_EQ(Ticks::until_next(at(3), Subscription({"TICK_3600", "TICK_60"})), Seconds(57));
  EXPECT_EQ(Ticks::until_next(at(3), Subscription({"PROCESS_STATE"})), std::nullopt);
}

}  // namespace
}  // namespace sup::events
