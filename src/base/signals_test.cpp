#include "base/signals.h"

#include <gtest/gtest.h>

namespace sup {
namespace {

TEST(Signals, HaveNamesWithAndWithoutTheirPrefix) {
  EXPECT_EQ(signal_named("TERM"), 15);
  EXPECT_EQ(signal_named("SIGTERM"), 15);
  EXPECT_EQ(signal_named("RTMAX"), 64);
  EXPECT_EQ(signal_named("term"), std::nullopt);
  EXPECT_EQ(signal_named("SIG_IGN"), std::nullopt);
  EXPECT_EQ(signal_named("SIG"), std::nullopt);
}

TEST(Signals, OfSeveralNamesTheUsualOneIsShown) {
  EXPECT_EQ(signal_name(9), "SIGKILL");
  EXPECT_EQ(signal_name(34), "SIGRTMIN");
  EXPECT_EQ(signal_name(50), "signal 50");
}

TEST(Signals, AreTheNumbersThatSupervisorAccepts) {
  EXPECT_TRUE(is_signal(1));
  EXPECT_TRUE(is_signal(31));
  EXPECT_TRUE(is_signal(64));
  EXPECT_FALSE(is_signal(0));
  EXPECT_FALSE(is_signal(35));
  EXPECT_FALSE(is_signal(4294967297));
}

}  // namespace
}  // namespace sup
