#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "base/version.h"
#include "os/memory_file.h"
#include "support/keeper_box.h"

namespace sup::keeper {
namespace {

using What = Heard::What;

class SuccessionTest : public testing::Test {
 protected:
  KeeperBox box;
  std::unique_ptr<TestManager> manager = box.next_manager();

  pid_t start(ProcessId id, const Plan& plan, std::string_view record = "record") {
    manager->client.spawn(id, plan, record, -1);
    return manager->next(What::spawned).number;
  }

  void hand_over(bool keeper_too) {
    manager->client.hand_over(keeper_too);
    manager->exit(0);
    manager = box.next_manager();
  }

  const Restored::Child& only_child() { return manager->restored.children.at(0); }
};

class HandingOver : public SuccessionTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(WithOrWithoutTheKeeper, HandingOver, testing::Bool());

TEST_P(HandingOver, LeavesChildrenAndWhatIsHeldToTheNextManager) {
  const pid_t pid = start(7, echo_server(), "my record");
  EXPECT_EQ(manager->read_line(manager->children[7].out.get()), "ready\n");
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  manager->client.hold("end", ends[1]);
  close(ends[1]);
  const UniqueFd other_end(ends[0]);
  manager->children.clear();

  hand_over(GetParam());
  EXPECT_FALSE(manager->restored.fresh);
  EXPECT_EQ(manager->client.keeper_pid(), box.pid);
  EXPECT_EQ(manager->client.replacement(), GetParam() ? Replacement::done : Replacement::none);
  EXPECT_EQ(manager->client.keeper_version(), version);
  ASSERT_EQ(manager->restored.children.size(), 1u);
  EXPECT_EQ(only_child().id, 7u);
  EXPECT_EQ(only_child().pid, pid);
  EXPECT_EQ(only_child().record, "my record");
  ASSERT_EQ(write(only_child().in.get(), "x\n", 2), 2);
  EXPECT_EQ(manager->read_line(only_child().out.get()), "got x\n");
  EXPECT_EQ(write(manager->restored.held["end"].get(), "!", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(other_end.get(), &byte, 1), 1);
}

TEST_P(HandingOver, TellsTheNextManagerOfChildrenThatEndMeanwhile) {
  const pid_t pid = start(1, echo_server());
  manager->client.hand_over(GetParam());
  kill(pid, SIGKILL);
  manager->exit(0);
  manager = box.next_manager();
  const Heard exited = manager->next(What::exited);
  EXPECT_EQ(exited.id, 1u);
  EXPECT_EQ(exited.number, pid);
  EXPECT_EQ(exited.code, SIGKILL);
}

TEST_P(HandingOver, KeepsExitsThatNobodyAcknowledged) {
  start(1, shell("exit 5"));
  EXPECT_EQ(manager->next(What::exited).code, W_EXITCODE(5, 0));
  hand_over(GetParam());
  EXPECT_EQ(manager->next(What::exited).code, W_EXITCODE(5, 0));
  manager->client.acknowledge(1);
  hand_over(GetParam());
  EXPECT_EQ(only_child().pid, 0);
}

TEST_P(HandingOver, LosesNoSignalToTheDaemon) {
  // One that the manager was sent and never read, one that comes when it has left already.
  box.freeze();
  kill(box.pid, SIGHUP);
  box.thaw();
  ASSERT_TRUE(readable(manager->client.fd()));
  manager->client.hand_over(GetParam());
  kill(box.pid, SIGUSR2);
  manager->exit(0);
  manager = box.next_manager();
  std::set<int> signals;
  while (signals.size() < 2 && !HasFailure())
    signals.insert(manager->next(What::daemon_signal).number);
  EXPECT_EQ(signals, (std::set<int>{SIGHUP, SIGUSR2}));
}

TEST_P(HandingOver, KeepsTheOrderToShutDown) {
  kill(box.pid, SIGTERM);
  EXPECT_EQ(manager->next(What::daemon_signal).number, SIGTERM);
  hand_over(GetParam());
  EXPECT_EQ(manager->next(What::daemon_signal).number, SIGTERM);
  manager->client.quit(3);
  manager->exit(0);
  EXPECT_EQ(box.end(), 3);
}

TEST_P(HandingOver, IsNoDeathThatDelaysTheNextManager) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 12; ++i)
    hand_over(GetParam());
  // Twelve deaths in a row would have cost half a minute.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_EQ(manager->client.keeper_pid(), box.pid);
}

TEST_P(HandingOver, LeavesTheKeeperItsWork) {
  hand_over(GetParam());
  const pid_t pid = start(1, echo_server());
  EXPECT_EQ(manager->read_line(manager->children[1].out.get()), "ready\n");
  manager->client.signal(1, SIGTERM, Target::process);
  EXPECT_EQ(manager->next(What::exited).number, pid);
  manager->kill();
  manager = box.next_manager();
  EXPECT_EQ(manager->client.replacement(), Replacement::none) << "told only once";
}

TEST_F(SuccessionTest, AKeeperThatCannotBeReplacedGoesOnAndSaysWhy) {
  const pid_t pid = start(1, echo_server());
  EXPECT_EQ(manager->read_line(manager->children[1].out.get()), "ready\n");
  box.refuse_to_become(ENOEXEC);
  hand_over(true);
  EXPECT_EQ(manager->client.replacement(), Replacement::failed);
  EXPECT_EQ(manager->client.replacement_error(), ENOEXEC);
  EXPECT_EQ(only_child().pid, pid);
  ASSERT_EQ(write(only_child().in.get(), "x\n", 2), 2);
  EXPECT_EQ(manager->read_line(only_child().out.get()), "got x\n");
}

TEST_F(SuccessionTest, AManagerSeesAllThatTheKeeperKnows) {
  const pid_t pid = start(3, echo_server(), "first");
  manager->client.put(3, "second");
  manager->client.put(4, "no process");
  Result<Inspection> seen = fail("no answer");
  manager->client.inspect([&](Result<Inspection> inspection) { seen = std::move(inspection); });
  manager->client.signal(3, 0, Target::process);
  manager->next(What::signalled);
  ASSERT_TRUE(seen) << seen.error().text;
  EXPECT_EQ(seen->program, "stand-in");
  EXPECT_FALSE(seen->differs);
  const auto bytes = os::read_memory_file(seen->state.get());
  ASSERT_TRUE(bytes);
  const auto state = read_state(*bytes);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->pid, box.pid);
  EXPECT_EQ(state->version, version);
  ASSERT_EQ(state->children.size(), 2u);
  EXPECT_EQ(state->children[0].pid, pid);
  EXPECT_EQ(state->children[0].record, "second");
  EXPECT_EQ(state->children[1].record, "no process");
}

}  // namespace
}  // namespace sup::keeper
