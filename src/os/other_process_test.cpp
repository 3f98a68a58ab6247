#include "os/other_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace sup::os {
namespace {

// Waits for a signal, in a group of its own.
class OtherProcess : public testing::Test {
 protected:
  void SetUp() override {
    pid = fork();
    if (pid == 0) {
      setpgid(0, 0);
      pause();
      _exit(0);
    }
    setpgid(pid, pid);
  }
  void TearDown() override {
    if (pid > 0) end();
  }
  int end() {
    int status = 0;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    pid = 0;
    return status;
  }

  pid_t pid = 0;
};

TEST_F(OtherProcess, HasAStartTimeThatIsNoLongerAgoThanItIs) {
  const auto start = start_time(pid);
  ASSERT_TRUE(start);
  EXPECT_GE(*start, start_time(getpid()).value());
  EXPECT_GE(age(*start), Duration(0));
  EXPECT_LT(age(*start), Seconds(60));
  EXPECT_FALSE(start_time(0));
}

TEST_F(OtherProcess, IsKnownToHaveEndedEvenWhenItsPidIsFree) {
  const UniqueFd process = open_process(pid);
  ASSERT_TRUE(process);
  EXPECT_FALSE(has_ended(process.get()));
  end();
  EXPECT_TRUE(has_ended(process.get()));
  EXPECT_EQ(signal_process(process.get(), SIGTERM), ESRCH);
}

TEST_F(OtherProcess, IsSignalledAloneOrWithItsGroup) {
  const UniqueFd process = open_process(pid);
  EXPECT_EQ(signal_group(process.get(), pid, 0), 0);
  EXPECT_EQ(signal_process(process.get(), SIGUSR1), 0);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WTERMSIG(status), SIGUSR1);
  EXPECT_EQ(signal_group(process.get(), std::exchange(pid, 0), SIGUSR1), ESRCH);
}

TEST(StartTime, IsFoundBehindAnyName) {
  const std::string stat = " S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 98765 23 24\n";
  EXPECT_EQ(start_time_in("1 (x)" + stat), 98765u);
  EXPECT_EQ(start_time_in("1 (a) S 1 (b) )" + stat), 98765u);
}

TEST(StartTime, IsNotFoundInWhatIsCutOffOrNoNumber) {
  EXPECT_EQ(start_time_in(""), std::nullopt);
  EXPECT_EQ(start_time_in("1 (x"), std::nullopt);
  EXPECT_EQ(start_time_in("1 (x) S 4 5"), std::nullopt);
  EXPECT_EQ(start_time_in("1 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 98765"), std::nullopt);
  EXPECT_EQ(start_time_in("1 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 -1 23"), std::nullopt);
}

TEST(PidSpace, IsTheSameForUsAll) {
  EXPECT_NE(pid_space().find("pid:["), std::string::npos);
  EXPECT_EQ(pid_space(), pid_space());
}

}  // namespace
}  // namespace sup::os
