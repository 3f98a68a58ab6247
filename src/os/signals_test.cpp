#include "os/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sup::os {
namespace {

TEST(SignalNames, AreTheSymbols) {
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGUSR2), "SIGUSR2");
  EXPECT_EQ(signal_name(99), "SIG99");
}

TEST(SignalNames, AreReadWithAndWithoutPrefixAndAsNumbers) {
  EXPECT_EQ(signal_number("SIGTERM"), SIGTERM);
  EXPECT_EQ(signal_number("usr1"), SIGUSR1);
  EXPECT_EQ(signal_number(" 9 "), SIGKILL);
  EXPECT_EQ(signal_number("0"), std::nullopt);
  EXPECT_EQ(signal_number("65"), std::nullopt);
  EXPECT_EQ(signal_number("SIGFOO"), std::nullopt);
  EXPECT_EQ(signal_number(""), std::nullopt);
}

TEST(SignalDescriptor, DeliversWhatIsSentEvenIfItWasIgnored) {
  signal(SIGUSR2, SIG_IGN);
  auto fd = signal_descriptor({SIGUSR1, SIGUSR2});
  ASSERT_TRUE(fd);
  EXPECT_EQ(next_signal(fd->get()), 0);
  kill(getpid(), SIGUSR2);
  pid_t from = 0;
  EXPECT_EQ(next_signal(fd->get(), &from), SIGUSR2);
  EXPECT_EQ(from, getpid());
  EXPECT_EQ(next_signal(fd->get()), 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

TEST(AllSignalsBlocked, BlocksEverythingAndRestoresTheMaskThatWas) {
  sigset_t mask;
  {
    const AllSignalsBlocked blocked;
    sigprocmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
    EXPECT_EQ(sigismember(&mask, SIGCHLD), 1);
  }
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

}  // namespace
}  // namespace sup::os
