// Processes that another keeper has started: here they are the test's own children.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/other_process.h"
#include "support/keeper_box.h"

namespace sup::keeper {
namespace {

using What = Heard::What;

// Waits for signals, and leads a group.
class Stranger {
 public:
  explicit Stranger(void (*on_term)(int) = SIG_DFL) {
    const auto before = signal(SIGTERM, on_term);
    pid = fork();
    if (pid == 0) {
      setpgid(0, 0);
      while (true)
        pause();
    }
    signal(SIGTERM, before);
    setpgid(pid, pid);
    process = os::open_process(pid);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() {
    if (pid > 0) end();
  }
  // The pid is free for others then.
  int end(int signal = SIGKILL) {
    ::kill(pid, signal);
    return reap();
  }
  int reap() {
    int status = 0;
    waitpid(std::exchange(pid, 0), &status, 0);
    return status;
  }

  pid_t pid = 0;
  UniqueFd process;
};

class Adopted : public testing::Test {
 protected:
  void adopt(ProcessId id, const Stranger& stranger, const Plan& plan = {}) {
    manager->client.adopt(id, stranger.pid, stranger.process.get(), plan, "adopted");
  }
  void expect_end(ProcessId id, pid_t pid) {
    const Heard exited = manager->next(What::exited);
    EXPECT_EQ(exited.id, id);
    EXPECT_EQ(exited.number, pid);
    EXPECT_EQ(exited.code, status_unknown);
  }

  KeeperBox box;
  std::unique_ptr<TestManager> manager = box.next_manager();
};

TEST_F(Adopted, EndIsToldAtOnce) {
  Stranger one, other;
  adopt(1, one);
  adopt(2, other);
  const pid_t pid = other.pid;
  other.end();
  expect_end(2, pid);
  manager->client.acknowledge(2);
  manager->client.signal(2, SIGTERM, Target::process);
  EXPECT_EQ(manager->next(What::signalled).code, ESRCH);
}

TEST_F(Adopted, EndBeforeTheKeeperHeardOfItIsToldToo) {
  Stranger stranger;
  const pid_t pid = stranger.pid;
  stranger.end();
  manager->client.adopt(1, pid, stranger.process.get(), {}, "");
  expect_end(1, pid);
}

TEST_F(Adopted, GetsSignalsAloneAndAsAGroup) {
  Stranger one, other;
  adopt(1, one);
  adopt(2, other);
  manager->client.signal(1, SIGUSR1, Target::process);
  EXPECT_EQ(manager->next(What::signalled).code, 0);
  EXPECT_EQ(WTERMSIG(one.reap()), SIGUSR1);
  manager->client.signal(2, SIGUSR2, Target::group);
  EXPECT_EQ(manager->next(What::signalled).code, 0);
  EXPECT_EQ(WTERMSIG(other.reap()), SIGUSR2);
}

TEST_F(Adopted, GoesToTheNextManager) {
  Stranger stranger;
  const pid_t pid = stranger.pid;
  adopt(5, stranger);
  manager->client.signal(5, 0, Target::process);
  EXPECT_EQ(manager->next(What::signalled).code, 0);
  manager->kill();
  manager = box.next_manager();
  ASSERT_EQ(manager->restored.children.size(), 1u);
  EXPECT_EQ(manager->restored.children[0].pid, pid);
  EXPECT_EQ(manager->restored.children[0].record, "adopted");
  EXPECT_FALSE(manager->restored.children[0].out);
  stranger.end();
  expect_end(5, pid);
}

TEST_F(Adopted, StaysWithAKeeperThatReplacesItself) {
  Stranger stranger;
  const pid_t pid = stranger.pid;
  adopt(5, stranger);
  manager->client.hand_over(true);
  manager->exit(0);
  manager = box.next_manager();
  EXPECT_EQ(manager->client.replacement(), Replacement::done);
  manager->client.signal(5, SIGUSR1, Target::process);
  EXPECT_EQ(manager->next(What::signalled).code, 0);
  EXPECT_EQ(WTERMSIG(stranger.reap()), SIGUSR1);
  expect_end(5, pid);
}

TEST_F(Adopted, WhosePidIsUsedAgainIsNotTheOneWhoUsesIt) {
  Stranger gone, alive;
  const UniqueFd process = std::move(gone.process);
  gone.end();
  // As if `alive` had got the pid.
  manager->client.adopt(1, alive.pid, process.get(), {}, "");
  manager->client.signal(1, SIGKILL, Target::process);
  manager->client.signal(1, SIGKILL, Target::group);
  expect_end(1, alive.pid);
  EXPECT_EQ(kill(alive.pid, 0), 0);
  EXPECT_FALSE(os::has_ended(alive.process.get()));
}

TEST_F(Adopted, MayBeReplacedByAChildWhenItHasEnded) {
  Stranger stranger;
  const pid_t pid = stranger.pid;
  adopt(1, stranger);
  stranger.end();
  expect_end(1, pid);
  manager->client.acknowledge(1);
  Plan plan;
  plan.path = "/bin/true";
  plan.argv = {"true"};
  manager->client.spawn(1, plan, "", -1);
  EXPECT_EQ(manager->next(What::exited).code, 0);
}

TEST_F(Adopted, IsStoppedByAKeeperWithoutManagers) {
  Stranger obedient;
  Stranger stubborn(SIG_IGN);
  Plan plan;
  plan.stop_wait_ms = 100;
  adopt(1, obedient, plan);
  adopt(2, stubborn, plan);
  manager->client.signal(2, SIGTERM, Target::process);
  EXPECT_EQ(manager->next(What::signalled).code, 0);
  kill(box.pid, SIGTERM);
  EXPECT_EQ(manager->next(What::daemon_signal).number, SIGTERM);
  manager->kill();
  for (int i = 0; i < 2; ++i) {
    manager = box.next_manager_silent();
    ASSERT_TRUE(manager);
    manager->kill();
  }
  EXPECT_EQ(WTERMSIG(obedient.reap()), SIGTERM);
  EXPECT_EQ(WTERMSIG(stubborn.reap()), SIGKILL);
  EXPECT_EQ(box.end(), 0);
}

TEST_F(Adopted, WithoutADescriptorIsRefused) {
  manager->client.adopt(1, getpid(), -1, {}, "");
  EXPECT_NE(box.next_manager(), nullptr) << "whoever asks for that has lost its mind, and is replaced";
}

}  // namespace
}  // namespace sup::keeper
