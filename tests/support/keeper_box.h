// A real keeper in a process of its own, with the test as its manager.
//
// The keeper starts a stand-in for each manager: a process that hands the keeper's socket to the test and waits to be
// told to exit, or to be killed. So the test talks to the keeper through a real Client, and managers really die.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "keeper/client.h"
#include "keeper/loop.h"
#include "keeper/settings.h"
#include "keeper/state.h"
#include "os/memory_file.h"
#include "os/signals.h"

namespace sup::keeper {

// Waits until the descriptor is readable or at its end; false after ten seconds, which no machine needs.
inline bool readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return poll(&ready, 1, 10'000) == 1;
}

inline Plan shell(const std::string& script) {
  Plan plan;
  plan.path = "/bin/sh";
  plan.argv = {"sh", "-c", script};
  return plan;
}

// Says when it is ready for anything, then echoes lines until its stdin ends.
inline Plan echo_server() { return shell("echo ready; while read line; do echo got $line; done"); }

// Sends `number` and two descriptors.
inline void send_fds(int socket, int number, const int (&fds)[2]) {
  iovec whole{&number, sizeof number};
  msghdr message{};
  message.msg_iov = &whole;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_len = CMSG_LEN(sizeof fds);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  std::memcpy(CMSG_DATA(head), fds, sizeof fds);
  sendmsg(socket, &message, MSG_NOSIGNAL);
}

// Runs in the keeper. The stand-in exits with the byte it is sent, or with 99 when nobody is there to send one.
class StandInStarter final : public ManagerStarter {
 public:
  // `refusal`, shared with the test: the errno with which become() is to fail, or 0.
  StandInStarter(int test, const int* refusal) : test_(test), refusal_(refusal) {}

  [[nodiscard]] std::string program() const override { return "stand-in"; }
  [[nodiscard]] bool differs() const override { return false; }

  // Another keeper in the same process, as after an exec: it has the descriptors, the children and the bytes.
  int become(int state) override {
    if (*refusal_ != 0) return *refusal_;
    const auto bytes = os::read_memory_file(state);
    auto saved = bytes ? read_state(*bytes) : std::unexpected(bytes.error());
    auto spawner = Spawner::create();
    auto signals = os::signal_descriptor({SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2});
    if (!saved || !spawner || !signals) return EIO;
    close(state);
    Keeper keeper(std::move(*spawner), std::move(*signals), *this);
    keeper.adopt(*saved);
    _exit(keeper.run());
  }

  pid_t start(Spawner&, int socket, bool, int) override {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int command[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, command) != 0) _exit(98);
    const int fds[2] = {socket, command[1]};
    send_fds(test_, getpid(), fds);
    // Keep nothing of the keeper's: the test watches its pipes for their ends.
    dup2(command[0], 3);
    syscall(SYS_close_range, 4, ~0U, 0);
    char code = 99;
    [[maybe_unused]] const ssize_t got = read(3, &code, 1);
    _exit(code);
  }

 private:
  int test_;
  const int* refusal_;
};

// What the test's manager heard, in order.
struct Heard {
  enum class What { spawned, failed, signalled, exited, lent, orphan, daemon_signal, gone };
  What what;
  ProcessId id = 0;
  int number = 0;  // stage, signal, pid of an exit or an orphan
  int code = 0;    // errno or wait status
};

class TestManager final : public Notices {
 public:
  TestManager(pid_t pid, UniqueFd socket, UniqueFd command)
      : stand_in(pid), client(std::move(socket)), command_(std::move(command)) {}

  void on_spawned(ProcessId id, std::expected<Spawned, SpawnFailure> result) override {
    if (result) {
      children[id] = std::move(*result);
      heard.push_back({Heard::What::spawned, id, children[id].pid, 0});
    } else {
      heard.push_back({Heard::What::failed, id, static_cast<int>(result.error().stage), result.error().code});
    }
  }
  void on_signalled(ProcessId id, int signal, int code) override {
    heard.push_back({Heard::What::signalled, id, signal, code});
  }
  void on_exited(ProcessId id, pid_t pid, const Exit& exit) override {
    heard.push_back({Heard::What::exited, id, pid, exit.status});
    last_exit = exit;
  }
  void on_lent(ProcessId id, UniqueFd in, bool) override {
    heard.push_back({Heard::What::lent, id, in ? 1 : 0, 0});
    lent = std::move(in);
  }
  void on_orphan(pid_t pid, int status) override { heard.push_back({Heard::What::orphan, 0, pid, status}); }
  void on_daemon_signal(int signal) override { heard.push_back({Heard::What::daemon_signal, 0, signal, 0}); }
  void on_keeper_gone() override { heard.push_back({Heard::What::gone}); }

  // The next notice of this kind, waited for. Those before it are passed over.
  Heard next(Heard::What what) {
    while (true) {
      for (; read_ < heard.size(); ++read_) {
        if (heard[read_].what == what) return heard[read_++];
        if (heard[read_].what == Heard::What::gone) break;
      }
      if (read_ < heard.size()) break;
      client.receive(*this);
      client.flush();
      if (read_ == heard.size() && !wait()) break;
    }
    ADD_FAILURE() << "never heard notice " << static_cast<int>(what);
    return {what};
  }

  // The stand-in exits with this code, or is killed. After kill() it is dead, if not reaped.
  void exit(char code) { [[maybe_unused]] const ssize_t wrote = write(command_.get(), &code, 1); }
  void kill() {
    const UniqueFd end(static_cast<int>(syscall(SYS_pidfd_open, stand_in, 0)));
    ::kill(stand_in, SIGKILL);
    EXPECT_TRUE(!end || readable(end.get()));
  }

  std::string read_line(int fd) {
    std::string line;
    char c = 0;
    while (line.empty() || line.back() != '\n') {
      if (!readable(fd)) return line + "(timeout)";
      if (read(fd, &c, 1) != 1) return line + "(end)";
      line += c;
    }
    return line;
  }

  pid_t stand_in;
  Client client;
  Restored restored;
  std::vector<Heard> heard;
  std::map<ProcessId, Spawned> children;
  Exit last_exit;
  UniqueFd lent;

 private:
  bool wait() {
    pollfd ready{client.fd(), static_cast<short>(client.wants_write() ? POLLIN | POLLOUT : POLLIN), 0};
    return poll(&ready, 1, 10'000) == 1;
  }

  UniqueFd command_;
  std::size_t read_ = 0;
};

class KeeperBox {
 public:
  KeeperBox() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
    managers_.reset(ends[0]);
    const UniqueFd theirs(ends[1]);
    const pid_t test = getpid();
    pid = fork();
    if (pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != test) _exit(97);
    managers_.reset();
    StandInStarter starter(theirs.get(), refusal_);
    auto spawner = Spawner::create();
    auto signals = os::signal_descriptor({SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2});
    if (!spawner || !signals) _exit(96);
    take_all_descriptors(*spawner);
    _exit(Keeper(std::move(*spawner), std::move(*signals), starter).run());
  }
  KeeperBox(const KeeperBox&) = delete;
  KeeperBox& operator=(const KeeperBox&) = delete;
  ~KeeperBox() {
    if (pid > 0) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    munmap(refusal_, sizeof(int));
  }

  // The manager that the keeper started last, before it said anything. Null when none comes.
  std::unique_ptr<TestManager> next_manager_silent() {
    if (!readable(managers_.get())) return nullptr;
    int number = 0;
    iovec whole{&number, sizeof number};
    msghdr message{};
    message.msg_iov = &whole;
    message.msg_iovlen = 1;
    int fds[2] = {-1, -1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)];
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(managers_.get(), &message, MSG_CMSG_CLOEXEC) <= 0 || CMSG_FIRSTHDR(&message) == nullptr) return nullptr;
    std::memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fds);
    return std::make_unique<TestManager>(number, UniqueFd(fds[0]), UniqueFd(fds[1]));
  }

  // The same, restored and serving.
  std::unique_ptr<TestManager> next_manager() {
    auto manager = next_manager_silent();
    if (!manager) {
      ADD_FAILURE() << "no manager came";
      return nullptr;
    }
    auto restored = manager->client.restore();
    EXPECT_TRUE(restored) << restored.error().text;
    if (restored) manager->restored = std::move(*restored);
    manager->client.serving();
    return manager;
  }

  // The keeper's exit code; it must be about to end.
  int end() {
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // Nothing happens in the keeper between these two, as far as it can tell.
  void freeze() const {
    kill(pid, SIGSTOP);
    waitpid(pid, nullptr, WUNTRACED);
  }
  void thaw() const { kill(pid, SIGCONT); }

  // From now on the keeper cannot become anything else.
  void refuse_to_become(int code) const { *refusal_ = code; }

  pid_t pid = -1;

 private:
  int* const refusal_ = static_cast<int*>(
      mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  UniqueFd managers_;
};

}  // namespace sup::keeper
