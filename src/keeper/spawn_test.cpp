#include "keeper/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>

#include "os/signals.h"
#include "os/oom_score.h"

namespace sup::keeper {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* not_spawned = "supervisor: child process was not spawned\n";

Plan shell(const std::string& script) {
  Plan plan;
  plan.path = "/bin/sh";
  plan.argv = {"sh", "-c", script};
  return plan;
}

std::string read_all(const UniqueFd& fd) {
  std::string text;
  while (fd) {
    char buffer[4096];
    pollfd ready{fd.get(), POLLIN, 0};
    if (poll(&ready, 1, 10'000) != 1) return text + "(timeout)";
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

std::expected<Spawned, SpawnFailure> start(Spawner& spawner, const Plan& plan, int socket = -1) {
  Writer writer;
  encode(writer, plan);
  const std::string bytes = writer.bytes();
  Reader reader(bytes);
  PlanView view;
  EXPECT_TRUE(decode(reader, view));
  return spawner.spawn(view, socket);
}

struct Outcome {
  std::string out, err;
  int status = -1;
};

Outcome finish(Spawned child) {
  child.in.reset();
  Outcome outcome;
  outcome.out = read_all(child.out);
  outcome.err = read_all(child.err);
  EXPECT_EQ(waitpid(child.pid, &outcome.status, 0), child.pid);
  return outcome;
}

Outcome run(Spawner& spawner, const Plan& plan, int socket = -1) {
  auto child = start(spawner, plan, socket);
  if (!child) {
    ADD_FAILURE() << "stage " << static_cast<int>(child.error().stage) << " errno " << child.error().code;
    return {};
  }
  return finish(std::move(*child));
}

class Spawning : public testing::TestWithParam<Method> {
 protected:
  Spawner spawner = *Spawner::create(GetParam());

  void SetUp() override { ASSERT_EQ(spawner.method(), GetParam()); }
  void TearDown() override { EXPECT_EQ(spawner.method(), GetParam()) << "it stepped down on the way"; }
};

TEST_P(Spawning, LeavesOnlyTheThreeStandardDescriptorsOpen) {
  for (const int fd : {9, 40})
    ASSERT_EQ(dup2(2, fd), fd);
  const UniqueFd nine(9), forty(40);
  const Outcome outcome = run(spawner, shell("ls /proc/$$/fd; true"));
  EXPECT_EQ(outcome.out, "0\n1\n2\n");
  EXPECT_EQ(outcome.status, 0);
}

TEST_P(Spawning, ClosesNothingOfTheParent) {
  UniqueFd fd(dup(2));
  run(spawner, shell("exit 0"));
  EXPECT_GE(fcntl(fd.get(), F_GETFD), 0);
}

TEST_P(Spawning, LeadsAProcessGroupOfItsOwn) {
  auto child = start(spawner, shell("read line"));
  ASSERT_TRUE(child);
  EXPECT_EQ(getpgid(child->pid), child->pid);
  finish(std::move(*child));
}

TEST_P(Spawning, ConnectsTheThreePipes) {
  auto child = start(spawner, shell("read line; echo out $line; echo err $line >&2; exit 3"));
  ASSERT_TRUE(child);
  ASSERT_EQ(write(child->in.get(), "hello\n", 6), 6);
  const Outcome outcome = finish(std::move(*child));
  EXPECT_EQ(outcome.out, "out hello\n");
  EXPECT_EQ(outcome.err, "err hello\n");
  EXPECT_EQ(outcome.status, 3 << 8);
}

TEST_P(Spawning, GivesTheParentNonBlockingAndTheChildBlockingEnds) {
  auto child = start(spawner, shell("read line; grep ^flags /proc/self/fdinfo/0 /proc/$$/fdinfo/1 /proc/$$/fdinfo/2"));
  ASSERT_TRUE(child);
  for (const UniqueFd* fd : {&child->in, &child->out, &child->err}) {
    EXPECT_NE(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  const Outcome outcome = finish(std::move(*child));
  EXPECT_THAT(outcome.out, HasSubstr("fdinfo/2:flags:\t0"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("4000")));
}

TEST_P(Spawning, SendsStderrToStdoutWhenAsked) {
  Plan plan = shell("echo a; echo b >&2; echo c");
  plan.stderr_to_stdout = true;
  auto child = start(spawner, plan);
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->err);
  EXPECT_EQ(finish(std::move(*child)).out, "a\nb\nc\n");
}

TEST_P(Spawning, TakesAGivenSocketAsStdin) {
  Plan plan = shell("echo answer >&0; readlink /proc/$$/fd/0");
  plan.stdin_from_socket = true;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto child = start(spawner, plan, theirs.get());
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->in);
  EXPECT_THAT(finish(std::move(*child)).out, HasSubstr("socket:"));
  char answer[16] = {};
  EXPECT_EQ(read(ours.get(), answer, sizeof answer), 7);
  EXPECT_STREQ(answer, "answer\n");
}

TEST_P(Spawning, RefusesASocketThatGotLost) {
  Plan plan = shell("exit 0");
  plan.stdin_from_socket = true;
  const auto child = start(spawner, plan, -1);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().stage, SpawnStage::pipe);
  EXPECT_EQ(child.error().code, EMFILE);
}

TEST_P(Spawning, SetsTheEnvironmentOverOurOwnAndTheLastOneWins) {
  setenv("SUP_KEPT", "kept", 1);
  setenv("SUP_GONE", "old", 1);
  setenv("SUP_GONELONG", "long", 1);
  Plan plan = shell("echo $SUP_KEPT $SUP_GONE $SUP_GONELONG $SUP_NEW; env | grep -c ^SUP_GONE=");
  plan.environment = {{"SUP_GONE", "first"}, {"SUP_NEW", "a=b"}, {"SUP_GONE", "last"}};
  EXPECT_EQ(run(spawner, plan).out, "kept last long a=b\n1\n");
}

TEST_P(Spawning, SetsDirectoryAndUmaskOfTheChildAlone) {
  const mode_t before = umask(022);
  Plan plan = shell("pwd; umask");
  plan.directory = "/usr";
  plan.umask = 027;
  EXPECT_EQ(run(spawner, plan).out, "/usr\n0027\n");
  EXPECT_EQ(umask(before), 022u);
  EXPECT_NE(std::filesystem::current_path(), "/usr");
}

TEST_P(Spawning, StartsWithDefaultDispositionsAndAnEmptyMask) {
  for (const int signal : {SIGPIPE, SIGHUP, SIGRTMIN + 3})
    ::signal(signal, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  Plan plan;
  plan.path = "/bin/grep";
  plan.argv = {"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"};
  const Outcome outcome = run(spawner, plan);
  sigset_t now;
  sigprocmask(SIG_SETMASK, nullptr, &now);
  EXPECT_EQ(sigismember(&now, SIGUSR1), 1) << "our own mask is as it was";
  EXPECT_EQ(sigismember(&now, SIGTERM), 0);
  sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  for (const int signal : {SIGPIPE, SIGHUP, SIGRTMIN + 3})
    ::signal(signal, SIG_DFL);
  EXPECT_EQ(outcome.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_P(Spawning, GivesTheChildTheLimitOfDescriptorsThatWasSet) {
  spawner.set_open_files({77, 88});
  EXPECT_EQ(run(spawner, shell("ulimit -Sn; ulimit -Hn")).out, "77\n88\n");
}

TEST_P(Spawning, BecomesTheUserWithItsGroups) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  Plan plan = shell("id -u; id -g; id -G");
  plan.identity = Identity{65534, 4711, {4711, 4712}};
  EXPECT_EQ(run(spawner, plan).out, "65534\n4711\n4711 4712\n");
  EXPECT_EQ(getuid(), 0u);
}

TEST_P(Spawning, TakesNoIdentityWhenItIsThatUserAlready) {
  Plan plan = shell("id -u");
  plan.identity = Identity{getuid(), 4711, {4711}};
  plan.identity_refused = "Can't drop privilege as nonroot user";
  const Outcome outcome = run(spawner, plan);
  EXPECT_EQ(outcome.out, std::to_string(getuid()) + "\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_P(Spawning, SaysWhyTheIdentityWasRefused) {
  Plan plan = shell("echo never");
  plan.identity = Identity{4242, 4242, {}};
  plan.identity_refused = "Can't find uid 4242";
  const Outcome outcome = run(spawner, plan);
  EXPECT_EQ(outcome.err, std::string("supervisor: couldn't setuid to 4242: Can't find uid 4242\n") + not_spawned);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.status, 127 << 8);
}

TEST_P(Spawning, SaysWhenTheDirectoryIsMissing) {
  Plan plan = shell("echo never");
  plan.directory = "/no/such/dir";
  const Outcome outcome = run(spawner, plan);
  EXPECT_EQ(outcome.err, std::string("supervisor: couldn't chdir to /no/such/dir: ENOENT\n") + not_spawned);
  EXPECT_EQ(outcome.status, 127 << 8);
}

TEST_P(Spawning, SaysWhatCouldNotBeExecuted) {
  Plan plan;
  plan.path = "/no/such/program";
  plan.argv = {"as-written", "x"};
  const Outcome outcome = run(spawner, plan);
  EXPECT_EQ(outcome.err, std::string("supervisor: couldn't exec as-written: ENOENT\n") + not_spawned);
  EXPECT_EQ(outcome.status, 127 << 8);
}

TEST_P(Spawning, DoesNotGiveAFileWithoutInterpreterToTheShell) {
  char path[] = "/tmp/keeper_test_XXXXXX";
  {
    const UniqueFd file(mkostemp(path, O_CLOEXEC));
    ASSERT_TRUE(file);
    ASSERT_EQ(write(file.get(), "echo never\n", 11), 11);
    ASSERT_EQ(fchmod(file.get(), 0755), 0);
  }
  Plan plan;
  plan.path = path;
  plan.argv = {path};
  plan.stderr_to_stdout = true;
  const Outcome outcome = run(spawner, plan);
  unlink(path);
  EXPECT_EQ(outcome.out, std::string("supervisor: couldn't exec ") + path + ": ENOEXEC\n" + not_spawned);
}

TEST_P(Spawning, SaysThatPipesCouldNotBeMade) {
  const auto limit = os::get_limit(RLIMIT_NOFILE);
  const UniqueFd next(dup(2));
  ASSERT_TRUE(os::set_limit(RLIMIT_NOFILE, {static_cast<rlim_t>(next.get()) + 4, limit->hard}));
  const auto child = start(spawner, shell("exit 0"));
  ASSERT_TRUE(os::set_limit(RLIMIT_NOFILE, *limit));
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().stage, SpawnStage::pipe);
  EXPECT_EQ(child.error().code, EMFILE);
}

TEST_P(Spawning, LeaksNoDescriptor) {
  const auto lowest = [] { return UniqueFd(dup(2)).get(); };
  const int before = lowest();
  for (int i = 0; i < 20; ++i)
    run(spawner, shell("exit 0"));
  EXPECT_EQ(lowest(), before);
}

TEST_P(Spawning, WorksWithManyDescriptorsOpen) {
  std::vector<UniqueFd> many;
  for (int i = 0; i < 500; ++i)
    many.emplace_back(fcntl(2, F_DUPFD_CLOEXEC, 0));
  EXPECT_EQ(run(spawner, shell("ls /proc/$$/fd; true")).out, "0\n1\n2\n");
}

TEST_P(Spawning, StartsAManagerThatInheritsItsSocketAndIgnoresItsSignals) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t pid =
      spawner.start_manager("/bin/sh", {"sh", "-c", "exec >&3; ls /proc/$$/fd; grep ^SigIgn /proc/$$/status; exit 4"},
                            theirs.get(), {SIGTERM, SIGINT});
  ASSERT_GT(pid, 0);
  theirs.reset();
  EXPECT_EQ(read_all(UniqueFd(dup(ours.get()))), "0\n1\n2\n3\nSigIgn:\t0000000000004002\n");
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 4 << 8);
}

TEST_P(Spawning, GivesItsOwnOomScoreToWhatItStarts) {
  const std::string before = run(spawner, shell("cat /proc/self/oom_score_adj")).out;
  spawner.set_oom_score("998");  // anybody may become a likelier victim
  EXPECT_EQ(run(spawner, shell("cat /proc/self/oom_score_adj")).out, "998\n");
  EXPECT_EQ(os::oom_score_adjustment() + "\n", before) << "of the parent";
}

#ifdef SUP_SANITIZED
const auto methods = testing::Values(Method::fork);
#else
const auto methods = testing::Values(Method::shared_table, Method::vfork, Method::fork);
#endif
INSTANTIATE_TEST_SUITE_P(By, Spawning, methods, [](const testing::TestParamInfo<Method>& method) {
  return method.param == Method::shared_table ? "SharedTable" : method.param == Method::vfork ? "Vfork" : "Fork";
});

#ifndef SUP_SANITIZED

// Runs `test` in a process in which `call` fails with `code` (when its first argument has one of `flags`, if any).
int with_refused(unsigned int call, unsigned int flags, unsigned int code, int (*test)()) {
  const pid_t pid = fork();
  if (pid == 0) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{6, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(77);
    _exit(test());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

int spawns_by(Method expected) {
  auto spawner = Spawner::create();
  if (!spawner) return 2;
  auto child = start(*spawner, shell("echo fine; ls /proc/$$/fd; true"));
  if (!child) return 3;
  if (finish(std::move(*child)).out != "fine\n0\n1\n2\n") return 4;
  return spawner->method() == expected ? 0 : 5;
}

TEST(SteppingDown, GoesToVforkWhereCloseRangeIsMissing) {
  const int status = with_refused(SYS_close_range, ~0U, ENOSYS, [] { return spawns_by(Method::vfork); });
  EXPECT_EQ(status, 0);
}

TEST(SteppingDown, GoesToForkWhereVforkIsRefused) {
  const int status = with_refused(SYS_clone, CLONE_VFORK, EPERM, [] { return spawns_by(Method::fork); });
  EXPECT_EQ(status, 0);
}

TEST(SteppingDown, DoesNotHappenWhenThereAreTooManyProcesses) {
  const int status = with_refused(SYS_clone, CLONE_VFORK, EAGAIN, [] {
    auto spawner = Spawner::create();
    const auto child = start(*spawner, shell("exit 0"));
    const bool right = !child && child.error().stage == SpawnStage::fork && child.error().code == EAGAIN;
    return right && spawner->method() == Method::shared_table ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

#endif

}  // namespace
}  // namespace sup::keeper
