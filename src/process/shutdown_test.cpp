#include "process/shutdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

namespace sup::process {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Shutdown, TheLastGroupStopsFirstAndEachFromItsLastProcess) {
  Shutdown shutdown({{1, 2}, {3, 4, 5}});
  EXPECT_THAT(shutdown.begin(), ElementsAre(5, 4, 3));
  EXPECT_THAT(shutdown.stopped(4), IsEmpty());
  EXPECT_THAT(shutdown.stopped(5), IsEmpty());
  EXPECT_THAT(shutdown.stopped(3), ElementsAre(2, 1));
  EXPECT_FALSE(shutdown.done());
  EXPECT_THAT(shutdown.stopped(1), IsEmpty());
  EXPECT_THAT(shutdown.stopped(2), IsEmpty());
  EXPECT_TRUE(shutdown.done());
}

TEST(Shutdown, WhatStoppedByItselfIsNotToldToStop) {
  Shutdown shutdown({{1}, {2}, {3, 4}, {5}});
  EXPECT_THAT(shutdown.begin(), ElementsAre(5));
  EXPECT_THAT(shutdown.stopped(4), IsEmpty());
  EXPECT_THAT(shutdown.stopped(2), IsEmpty()) << "a whole group, before its turn";
  EXPECT_THAT(shutdown.stopped(5), ElementsAre(3));
  EXPECT_THAT(shutdown.stopped(3), ElementsAre(1));
}

TEST(Shutdown, WithNothingToStopItIsDoneAtOnce) {
  Shutdown none({});
  EXPECT_TRUE(none.done());
  EXPECT_THAT(none.begin(), IsEmpty());
  Shutdown empty({{}, {7}, {}});
  EXPECT_FALSE(empty.done());
  EXPECT_THAT(empty.begin(), ElementsAre(7));
}

TEST(Shutdown, UnknownAndRepeatedIdsAreIgnored) {
  Shutdown shutdown({{1, 1}, {2, 1}});
  EXPECT_THAT(shutdown.begin(), ElementsAre(2));
  EXPECT_THAT(shutdown.stopped(99), IsEmpty());
  EXPECT_THAT(shutdown.stopped(2), ElementsAre(1));
  EXPECT_THAT(shutdown.stopped(2), IsEmpty());
  EXPECT_THAT(shutdown.stopped(1), IsEmpty());
  EXPECT_TRUE(shutdown.done());
}

TEST(Shutdown, WaitingListsEverybodyLeftInStartOrder) {
  Shutdown shutdown({{4, 2}, {3, 1}});
  EXPECT_THAT(shutdown.waiting(), ElementsAre(4, 2, 3, 1));
  (void)shutdown.begin();
  (void)shutdown.stopped(3);
  EXPECT_THAT(shutdown.waiting(), ElementsAre(4, 2, 1));
}

TEST(ShutdownProperty, InWhateverOrderProcessesEndGroupsNeverOverlapAndEverybodyIsDone) {
  EXPECT_TRUE(rc::check([] {
    const auto sizes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6));
    std::vector<std::vector<ProcessId>> groups;
    std::vector<std::size_t> group_of{0};
    for (const int size : sizes) {
      auto& group = groups.emplace_back();
      for (int i = 0; i < size; ++i) {
        group.push_back(static_cast<ProcessId>(group_of.size()));
        group_of.push_back(groups.size() - 1);
      }
    }
    Shutdown shutdown(groups);
    std::set<ProcessId> told;
    const auto tell = [&](const std::vector<ProcessId>& ids) {
      for (const ProcessId id : ids) {
        RC_ASSERT(told.empty() || group_of[*told.begin()] == group_of[id]);
        told.insert(id);
      }
    };
    tell(shutdown.begin());
    while (!shutdown.done()) {
      RC_ASSERT(!told.empty());
      const auto left = shutdown.waiting();
      const ProcessId id = *rc::gen::elementOf(left);
      told.erase(id);
      tell(shutdown.stopped(id));
    }
    RC_ASSERT(told.empty());
    RC_ASSERT(shutdown.waiting().empty());
  }));
}

}  // namespace
}  // namespace sup::process
