#include "keeper/restart.h"

#include <gtest/gtest.h>

#include <vector>

namespace sup::keeper {
namespace {

using std::chrono::milliseconds;

TEST(RestartPolicy, StartsAManagerThatHasLivedAtOnce) {
  RestartPolicy policy;
  const Time begin{milliseconds(5000)};
  policy.started(begin);
  EXPECT_EQ(policy.ended(begin + milliseconds(1000)), begin + milliseconds(1000));
  EXPECT_EQ(policy.quick_deaths(), 0);
}

TEST(RestartPolicy, WaitsLongerAndLongerForManagersThatDieYoung) {
  RestartPolicy policy;
  Time now{};
  std::vector<long> delays;
  for (int i = 0; i < 20; ++i) {
    policy.started(now);
    const Time next = policy.ended(now);
    delays.push_back(std::chrono::duration_cast<milliseconds>(next - now).count());
    now = next;
  }
  const std::vector<long> first(delays.begin(), delays.begin() + 10);
  EXPECT_EQ(first, (std::vector<long>{0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}));
  EXPECT_EQ(delays.back(), 10000);
  EXPECT_EQ(policy.quick_deaths(), 20);
}

TEST(RestartPolicy, ForgetsQuickDeathsAfterALongLife) {
  RestartPolicy policy;
  Time now{};
  for (int i = 0; i < 5; ++i) {
    policy.started(now);
    (void)policy.ended(now);
  }
  policy.started(now);
  now += milliseconds(1500);
  EXPECT_EQ(policy.ended(now), now);
  policy.started(now);
  EXPECT_EQ(policy.ended(now), now);
  EXPECT_EQ(policy.quick_deaths(), 1);
}

}  // namespace
}  // namespace sup::keeper
