#include "base/fair_queue.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace sup {
namespace {

using testing::ElementsAre;

std::vector<std::string> all_of(FairQueue<std::string>& queue) {
  std::vector<std::string> all;
  while (!queue.empty()) all.push_back(queue.pop());
  return all;
}

TEST(FairQueue, GivesEachClientItsTurn) {
  FairQueue<std::string> queue;
  for (const char* item : {"a1", "a2", "a3"}) queue.push(1, item);
  queue.push(2, "b1");
  queue.push(3, "c1");
  queue.push(2, "b2");
  EXPECT_THAT(all_of(queue), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST(FairQueue, PutsAClientThatComesBackBehindTheOthers) {
  FairQueue<std::string> queue;
  queue.push(1, "a1");
  queue.push(2, "b1");
  queue.push(2, "b2");
  EXPECT_EQ(queue.pop(), "a1");
  queue.push(1, "a2");
  EXPECT_THAT(all_of(queue), ElementsAre("b1", "a2", "b2"));
}

}  // namespace
}  // namespace sup
