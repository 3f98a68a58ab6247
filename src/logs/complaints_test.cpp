#include "logs/complaints.h"

#include <gtest/gtest.h>

namespace sup::logs {
namespace {

const Error full{28, "No space left on device"};

struct Complaining : testing::Test {
  Complaints about{"the log of 'x'", "bytes"};
  Time now{Seconds(1000)};
};

TEST_F(Complaining, speaks_at_once_then_at_most_once_a_minute) {
  EXPECT_EQ(about.lost(full, 5, now)->text, "could not write the log of 'x': No space left on device (bytes lost: 5)");
  EXPECT_FALSE(about.lost(full, 7, now + Seconds(1)));
  EXPECT_FALSE(about.lost(full, 7, now + Seconds(59)));
  EXPECT_EQ(about.lost(full, 1, now + Seconds(60))->text,
            "could not write the log of 'x': No space left on device (bytes lost: 15)");
}

TEST_F(Complaining, says_when_it_is_over_and_what_was_lost_meanwhile) {
  EXPECT_FALSE(about.works());
  EXPECT_TRUE(about.lost(full, 5, now));
  EXPECT_TRUE(about.pending());
  EXPECT_FALSE(about.lost(full, 7, now));
  const auto over = about.works();
  EXPECT_EQ(over->text, "the log of 'x' can be written again (bytes lost meanwhile: 7)");
  EXPECT_EQ(over->level, Level::info);
  EXPECT_FALSE(about.works());
  EXPECT_FALSE(about.pending());
}

TEST_F(Complaining, a_log_that_fails_and_recovers_all_the_time_is_not_mentioned_all_the_time) {
  int messages = 0;
  for (int i = 0; i < 1000; ++i) {
    messages += about.lost(full, 1, now + std::chrono::milliseconds(i)) ? 1 : 0;
    messages += about.works() ? 1 : 0;
  }
  EXPECT_EQ(messages, 2);
  EXPECT_EQ(about.closed()->text, "the log of 'x' was not written completely (bytes lost since the last message: 999)");
  EXPECT_FALSE(about.closed());
}

TEST_F(Complaining, a_failed_rotation_is_mentioned_at_most_once_a_minute) {
  EXPECT_EQ(about.not_rotated(full, now)->text,
            "could not rotate the log of 'x', writing on to the open file: No space left on device");
  EXPECT_FALSE(about.not_rotated(full, now + Seconds(59)));
  EXPECT_TRUE(about.not_rotated(full, now + Seconds(60)));
  EXPECT_FALSE(about.works());
}

}  // namespace
}  // namespace sup::logs
