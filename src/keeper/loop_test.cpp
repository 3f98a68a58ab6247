#include "keeper/loop.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "keeper/keeper.h"
#include "support/keeper_box.h"

namespace sup::keeper {
namespace {

using testing::HasSubstr;
using What = Heard::What;

class KeeperTest : public testing::Test {
 protected:
  KeeperBox box;
  std::unique_ptr<TestManager> manager = box.next_manager();

  Client& client() { return manager->client; }

  // Starts it and waits until it runs; its pid.
  pid_t start(ProcessId id, const Plan& plan, std::string_view record = "record") {
    client().spawn(id, plan, record, -1);
    return manager->next(What::spawned).number;
  }

  void replace_manager() {
    manager->kill();
    manager = box.next_manager();
  }

  int quit(int code = 0) {
    client().quit(code);
    manager->exit(0);
    return box.end();
  }
};

TEST_F(KeeperTest, TellsTheFirstManagerThatThereIsNothingToRestore) {
  EXPECT_TRUE(manager->restored.fresh);
  EXPECT_TRUE(manager->restored.children.empty());
  EXPECT_TRUE(manager->restored.held.empty());
  EXPECT_EQ(client().keeper_pid(), box.pid);
}

TEST_F(KeeperTest, StartsAChildAndTellsItsEnd) {
  const pid_t pid = start(7, echo_server());
  Spawned& child = manager->children[7];
  EXPECT_EQ(manager->read_line(child.out.get()), "ready\n");
  ASSERT_EQ(write(child.in.get(), "x\n", 2), 2);
  EXPECT_EQ(manager->read_line(child.out.get()), "got x\n");
  client().signal(7, SIGTERM, Target::process);
  const Heard sent = manager->next(What::signalled);
  EXPECT_EQ(sent.number, SIGTERM);
  EXPECT_EQ(sent.code, 0);
  const Heard exited = manager->next(What::exited);
  EXPECT_EQ(exited.id, 7u);
  EXPECT_EQ(exited.number, pid);
  EXPECT_EQ(exited.code, SIGTERM);
  EXPECT_GT(manager->last_exit.max_rss_kb, 0u);
  EXPECT_GT(manager->last_exit.at, 0u);
}

TEST_F(KeeperTest, LendsTheStandardInputOfAChild) {
  EXPECT_TRUE(client().lends());
  start(7, echo_server());
  Spawned& child = manager->children[7];
  EXPECT_EQ(manager->read_line(child.out.get()), "ready\n");
  child.in.reset();
  client().lend(7);
  EXPECT_EQ(manager->next(What::lent).id, 7u);
  ASSERT_EQ(write(manager->lent.get(), "x\n", 2), 2);
  EXPECT_EQ(manager->read_line(child.out.get()), "got x\n") << "its input is no less open for nobody having it here";
}

TEST_F(KeeperTest, LendsNothingOfWhoHasNone) {
  client().lend(7);
  EXPECT_EQ(manager->next(What::lent).number, 0);
}

TEST_F(KeeperTest, AnswersInTheOrderOfTheRequests) {
  Plan broken = shell("exit 0");
  broken.argv[2] = std::string(max_payload, 'x');
  client().spawn(1, shell("exit 0"), "", -1);
  client().spawn(2, broken, "", -1);
  broken.argv[2] = std::string("a\0b", 3);
  client().spawn(3, broken, "", -1);
  client().signal(4, SIGTERM, Target::process);
  manager->next(What::signalled);
  std::vector<std::pair<ProcessId, int>> answers;
  for (const Heard& heard : manager->heard) {
    if (heard.what != What::exited) answers.emplace_back(heard.id, heard.code);
  }
  EXPECT_EQ(answers, (std::vector<std::pair<ProcessId, int>>{{1, 0}, {2, E2BIG}, {3, EINVAL}, {4, ESRCH}}));
}

TEST_F(KeeperTest, TellsOfEachOfManyWhoDieAtOnce) {
  // So many that it does not look at all of them whenever one dies.
  constexpr ProcessId many = 520;
  std::set<pid_t> dead;
  for (ProcessId id = 1; id <= many; ++id) {
    const pid_t pid = start(id, shell("read x"));
    if (id % 100 == 0) dead.insert(pid);
  }
  // Of several that die while it does not listen there is one signal.
  kill(box.pid, SIGSTOP);
  for (const pid_t pid : dead) {
    const UniqueFd end(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    kill(pid, SIGKILL);
    EXPECT_TRUE(readable(end.get()));
  }
  kill(box.pid, SIGCONT);
  for (std::size_t told = 0; told < 5; ++told)
    dead.erase(manager->next(What::exited).number);
  EXPECT_TRUE(dead.empty());
}

TEST_F(KeeperTest, KnowsThatAChildIsGoneWhenItIsSignalled) {
  start(1, shell("exit 0"));
  manager->next(What::exited);
  client().signal(1, SIGTERM, Target::process);
  EXPECT_EQ(manager->next(What::signalled).code, ESRCH);
}

TEST_F(KeeperTest, SignalsTheWholeGroupWhenAsked) {
  start(1, shell("exec 3<&0; sh -c 'echo ready; read x <&3' & wait"));
  Spawned& child = manager->children[1];
  EXPECT_EQ(manager->read_line(child.out.get()), "ready\n");
  client().signal(1, SIGKILL, Target::group);
  EXPECT_EQ(manager->next(What::exited).code, SIGKILL);
  EXPECT_EQ(manager->read_line(child.out.get()), "(end)") << "the grandchild has gone, too";
}

TEST_F(KeeperTest, RefusesASecondChildForTheSameProcess) {
  start(1, echo_server());
  client().spawn(1, echo_server(), "", -1);
  const Heard failed = manager->next(What::failed);
  EXPECT_EQ(failed.number, static_cast<int>(SpawnStage::fork));
  EXPECT_EQ(failed.code, EBUSY);
}

TEST_F(KeeperTest, TellsOfProcessesThatNobodyStarted) {
  start(1, shell("exec 3<&0; sh -c 'read x <&3; exit 3' & echo $!"));
  const Heard parent = manager->next(What::exited);
  EXPECT_EQ(parent.code, 0);
  const std::string pid = manager->read_line(manager->children[1].out.get());
  client().acknowledge(1);
  manager->children.clear();  // the end of the pipe lets it go
  const Heard orphan = manager->next(What::orphan);
  EXPECT_EQ(std::to_string(orphan.number) + "\n", pid);
  EXPECT_EQ(orphan.code, 3 << 8);
}

TEST_F(KeeperTest, HandsRunningChildrenToTheNextManager) {
  const pid_t pid = start(5, echo_server(), "state of five");
  EXPECT_EQ(manager->read_line(manager->children[5].out.get()), "ready\n");
  ASSERT_EQ(write(manager->children[5].in.get(), "unread\n", 7), 7);
  replace_manager();
  EXPECT_FALSE(manager->restored.fresh);
  ASSERT_EQ(manager->restored.children.size(), 1u);
  Restored::Child& child = manager->restored.children[0];
  EXPECT_EQ(child.id, 5u);
  EXPECT_EQ(child.pid, pid);
  EXPECT_EQ(child.record, "state of five");
  EXPECT_EQ(kill(pid, 0), 0);
  ASSERT_TRUE(child.in && child.out && child.err);
  EXPECT_EQ(manager->read_line(child.out.get()), "got unread\n");
  ASSERT_EQ(write(child.in.get(), "more\n", 5), 5);
  EXPECT_EQ(manager->read_line(child.out.get()), "got more\n");
  client().signal(5, SIGKILL, Target::process);
  EXPECT_EQ(manager->next(What::exited).number, pid);
}

TEST_F(KeeperTest, TellsAnEndAgainUntilItIsAcknowledged) {
  const pid_t pid = start(5, shell("echo last words; exit 4"));
  manager->next(What::exited);
  replace_manager();
  Heard exited = manager->next(What::exited);
  EXPECT_EQ(exited.number, pid);
  EXPECT_EQ(exited.code, 4 << 8);
  ASSERT_EQ(manager->restored.children.size(), 1u);
  EXPECT_EQ(manager->restored.children[0].pid, pid);
  EXPECT_EQ(manager->read_line(manager->restored.children[0].out.get()), "last words\n");
  client().acknowledge(5);
  client().put(5, "exited");
  client().signal(5, 0, Target::process);
  manager->next(What::signalled);
  replace_manager();
  ASSERT_EQ(manager->restored.children.size(), 1u);
  EXPECT_EQ(manager->restored.children[0].pid, 0);
  EXPECT_EQ(manager->restored.children[0].record, "exited");
  EXPECT_FALSE(manager->restored.children[0].out);
}

TEST_F(KeeperTest, TellsAnEndThatCameWhileThereWasNoManager) {
  const pid_t pid = start(5, echo_server());
  EXPECT_EQ(manager->read_line(manager->children[5].out.get()), "ready\n");
  box.freeze();
  manager->kill();
  const UniqueFd end(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  kill(pid, SIGKILL);
  ASSERT_TRUE(readable(end.get()));
  box.thaw();
  manager = box.next_manager();
  EXPECT_EQ(manager->next(What::exited).code, SIGKILL);
}

TEST_F(KeeperTest, KeepsRecordsOfProcessesThatNeverRan) {
  client().put(1, "one");
  client().put(2, "two");
  client().put(1, "one again");
  client().drop(2);
  client().signal(9, 0, Target::process);
  manager->next(What::signalled);
  replace_manager();
  ASSERT_EQ(manager->restored.children.size(), 1u);
  EXPECT_EQ(manager->restored.children[0].record, "one again");
  EXPECT_EQ(manager->restored.children[0].pid, 0);
}

TEST_F(KeeperTest, HoldsDescriptorsByName) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd writer(ends[1]);
  {
    const UniqueFd reader(ends[0]);
    client().hold("kept", reader.get());
    client().hold("released", reader.get());
  }
  client().release("released");
  client().hold("none", -1);
  client().signal(9, 0, Target::process);
  manager->next(What::signalled);
  replace_manager();
  ASSERT_EQ(manager->restored.held.size(), 1u);
  ASSERT_EQ(write(writer.get(), "data\n", 5), 5);
  EXPECT_EQ(manager->read_line(manager->restored.held["kept"].get()), "data\n");
}

TEST_F(KeeperTest, ReplaysATableLargerThanTheSocket) {
  for (ProcessId id = 1; id <= 3000; ++id)
    client().put(id, std::string(id % 7 == 0 ? 40'000 : 1000, 'r'));
  start(3001, echo_server());
  replace_manager();
  ASSERT_EQ(manager->restored.children.size(), 3001u);
  for (ProcessId id = 1; id <= 3000; ++id) {
    ASSERT_EQ(manager->restored.children[id - 1].id, id);
    ASSERT_EQ(manager->restored.children[id - 1].record.size(), id % 7 == 0 ? 40'000u : 1000u);
  }
  EXPECT_TRUE(manager->restored.children[3000].out);
}

TEST_F(KeeperTest, StartsManyChildrenAtOnce) {
  constexpr ProcessId count = 300;
  Plan plan = shell("exit 0");
  for (ProcessId id = 1; id <= count; ++id)
    client().spawn(id, plan, "", -1);
  for (ProcessId id = 1; id <= count; ++id)
    EXPECT_EQ(manager->next(What::spawned).id, id);
  std::size_t exits = 0;
  for (const Heard& heard : manager->heard)
    exits += heard.what == What::exited ? 1 : 0;
  for (; exits < count; ++exits)
    manager->next(What::exited);
}

TEST_F(KeeperTest, AnswersAManagerThatListensLateToEverything) {
  constexpr ProcessId count = 5000;
  for (ProcessId id = 1; id <= count; ++id)
    client().signal(id, SIGTERM, Target::process);
  for (ProcessId id = 1; id <= count; ++id)
    ASSERT_EQ(manager->next(What::signalled).id, id);
}

TEST_F(KeeperTest, PassesALargePlanOn) {
  Plan plan = shell("echo ${#BIG}");
  plan.environment = {{"BIG", std::string(100'000, 'x')}};
  start(1, plan);
  EXPECT_EQ(manager->read_line(manager->children[1].out.get()), "100000\n");
}

TEST_F(KeeperTest, ForwardsItsSignals) {
  for (const int signal : {SIGHUP, SIGUSR2, SIGTERM}) {
    kill(box.pid, signal);
    EXPECT_EQ(manager->next(What::daemon_signal).number, signal);
  }
}

TEST_F(KeeperTest, RemembersSignalsThatComeWhileThereIsNoManager) {
  box.freeze();
  manager->kill();
  kill(box.pid, SIGHUP);
  kill(box.pid, SIGTERM);
  box.thaw();
  manager = box.next_manager();
  EXPECT_EQ(manager->next(What::daemon_signal).number, SIGTERM);
  EXPECT_EQ(manager->next(What::daemon_signal).number, SIGHUP);
}

TEST_F(KeeperTest, GivesTheOrderToShutDownToTheNextManagerToo) {
  kill(box.pid, SIGTERM);
  manager->next(What::daemon_signal);
  replace_manager();
  EXPECT_EQ(manager->next(What::daemon_signal).number, SIGTERM);
  EXPECT_EQ(quit(3), 3);
}

TEST_F(KeeperTest, StopsTheChildrenItselfWhenNoManagerCarriesTheOrderOut) {
  Plan stubborn = shell("trap '' INT; echo ready; while :; do read x; done");
  stubborn.stop_signal = SIGINT;
  stubborn.stop_wait_ms = 50;
  start(1, stubborn);
  EXPECT_EQ(manager->read_line(manager->children[1].out.get()), "ready\n");
  start(2, echo_server());
  const UniqueFd out(dup(manager->children[2].out.get()));
  EXPECT_EQ(manager->read_line(out.get()), "ready\n");
  kill(box.pid, SIGTERM);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(manager);
    manager->next(What::daemon_signal);
    manager->kill();
    if (i < 2) manager = box.next_manager();
  }
  EXPECT_EQ(box.end(), 0);
  EXPECT_EQ(manager->read_line(out.get()), "(end)");
}

TEST_F(KeeperTest, EndsWithTheCodeThatTheManagerAsksFor) {
  start(1, echo_server());
  EXPECT_EQ(quit(42), 42);
}

TEST_F(KeeperTest, KillsAManagerThatTalksNonsenseAndGoesOn) {
  const pid_t pid = start(1, echo_server());
  for (const std::string& nonsense : {std::string("x"), std::string(100, '\0'), std::string(40'000, 'z')}) {
    ASSERT_GT(send(client().fd(), nonsense.data(), nonsense.size(), 0), 0);
    manager = box.next_manager();
    ASSERT_TRUE(manager);
    ASSERT_EQ(manager->restored.children.size(), 1u);
    EXPECT_EQ(manager->restored.children[0].pid, pid);
  }
}

TEST_F(KeeperTest, IsMissedByItsManager) {
  kill(box.pid, SIGKILL);
  manager->next(What::gone);
}

TEST_F(KeeperTest, ChangesItselfWhenAsked) {
  KeeperSettings settings;
  settings.directory = "/usr";
  settings.umask = 031;
  settings.open_files = os::Limit{60, 70};
  ASSERT_TRUE(client().configure(settings));
  start(1, shell("pwd; umask; ulimit -Sn; ulimit -Hn"));
  const int out = manager->children[1].out.get();
  EXPECT_EQ(manager->read_line(out), "/usr\n");
  EXPECT_EQ(manager->read_line(out), "0031\n");
  EXPECT_EQ(manager->read_line(out), "60\n");
  EXPECT_EQ(manager->read_line(out), "70\n");
}

TEST_F(KeeperTest, SaysWhatItCouldNotChange) {
  KeeperSettings settings;
  settings.directory = "/no/such";
  const auto changed = client().configure(settings);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ENOENT);
  EXPECT_EQ(changed.error().text, "chdir /no/such: No such file or directory");
}

TEST_F(KeeperTest, BecomesAnotherUserForGood) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  KeeperSettings settings;
  settings.identity = Identity{65534, 65534, {65534}};
  ASSERT_TRUE(client().configure(settings));
  ASSERT_TRUE(client().configure(settings)) << "again, as the next manager will";
  Plan plan = shell("id -u");
  start(1, plan);
  EXPECT_EQ(manager->read_line(manager->children[1].out.get()), "65534\n");
  plan.identity = Identity{0, 0, {0}};
  start(2, plan);
  EXPECT_EQ(manager->read_line(manager->children[2].err.get()),
            "supervisor: couldn't setuid to 0: Can't drop privilege as nonroot user\n");
}

TEST_F(KeeperTest, DeliversWhatCameWhileItsAnswerWasWaitedFor) {
  client().spawn(1, shell("exit 0"), "", -1);
  ASSERT_TRUE(client().configure({}));
  manager->next(What::spawned);
  EXPECT_TRUE(manager->children[1].out);
  manager->next(What::exited);
}

TEST(KeeperStart, TakesTheExitCodeOfAManagerThatNeverServed) {
  KeeperBox box;
  auto manager = box.next_manager_silent();
  ASSERT_TRUE(manager);
  manager->exit(2);
  EXPECT_EQ(box.end(), 2);
}

TEST(KeeperStart, WaitsForTheExitCodeOfAManagerThatClosedItsSocket) {
  KeeperBox box;
  auto manager = box.next_manager_silent();
  ASSERT_TRUE(manager);
  ASSERT_TRUE(manager->client.restore());
  ASSERT_EQ(shutdown(manager->client.fd(), SHUT_RDWR), 0);
  manager->exit(2);
  EXPECT_EQ(box.end(), 2);
}

TEST(KeeperStart, FailsWhenAManagerIsKilledThatNeverServed) {
  KeeperBox box;
  auto manager = box.next_manager_silent();
  ASSERT_TRUE(manager);
  manager->kill();
  EXPECT_EQ(box.end(), 1);
}

TEST(KeeperInBackground, LetsWhoStartedItGoWhenItIsReady) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  KeeperBox box;
  auto first = box.next_manager_silent();
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->client.restore());
  first->client.hold("socket", 2);
  first->client.daemonize();
  first->exit(0);
  auto second = box.next_manager();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->restored.fresh);
  EXPECT_EQ(second->restored.held.count("socket"), 1u);
  const pid_t background = second->client.keeper_pid();
  EXPECT_NE(background, box.pid);
  EXPECT_EQ(getsid(background), background);
  EXPECT_EQ(waitpid(box.pid, nullptr, WNOHANG), 0) << "it waits until all is ready";
  second->client.ready();
  EXPECT_EQ(box.end(), 0);
  second->client.quit(0);
  second->exit(0);
  int status = -1;
  EXPECT_EQ(waitpid(background, &status, 0), background);
  EXPECT_EQ(status, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(KeeperInBackground, PassesTheExitCodeOnWhenTheStartFails) {
  KeeperBox box;
  auto first = box.next_manager_silent();
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->client.restore());
  first->client.daemonize();
  first->exit(0);
  auto second = box.next_manager_silent();
  ASSERT_TRUE(second);
  second->exit(2);
  EXPECT_EQ(box.end(), 2);
}

TEST(KeeperRun, StartsTheProgramWithThePrivateArgumentAndTheUsers) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(writer.get(), 1);
    _exit(run("/bin/echo", "supervisord", {"-c", "a b"}));
  }
  writer.reset();
  char text[256] = {};
  EXPECT_GT(read(reader.get(), text, sizeof text - 1), 0);
  EXPECT_STREQ(text, "--manager=3 -c a b\n");
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(KeeperRun, FailsWhenTheProgramIsMissing) {
  const pid_t pid = fork();
  if (pid == 0) {
    close(2);
    _exit(run("/no/such/program", "supervisord", {}));
  }
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 127 << 8);
}

}  // namespace
}  // namespace sup::keeper
