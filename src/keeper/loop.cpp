#include "keeper/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "os/clock.h"
#include "os/scheduling.h"
#include "os/signals.h"

namespace sup::keeper {
namespace {

constexpr int hopeless_after = 3;  // managers that died
constexpr std::size_t many_children = 500;
constexpr Duration patience_with_many = std::chrono::milliseconds(2);

Time now() {
  return os::SystemClock().now().mono;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

std::uint64_t microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

// What a fork does not hand on.
void prepare_process() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // whoever loses its parent below us becomes ours
  os::take_short_turns();
}

}  // namespace

Keeper::Keeper(Spawner spawner, UniqueFd signals, ManagerStarter& starter)
    : spawner_(std::move(spawner)), signals_(std::move(signals)), starter_(starter) {}

int Keeper::run() {
  prepare_process();
  while (!result_) {
    if (to_background_) daemonize();
    if (reap_by_ && (become_anew_ || now() >= *reap_by_)) reap();
    // Here, where no signal has been taken that is not dealt with.
    if (manager_ == 0 && std::exchange(become_anew_, false)) become_anew();
    if (manager_ == 0 && !stopping_ && !result_ && now() >= start_at_) start_manager();
    if (stopping_) kill_overdue();
    if (manager_ != 0 && leave_by_ && now() >= *leave_by_) kill_manager();
    if (!result_) wait();
  }
  return *result_;
}

void Keeper::wait() {
  const bool writes = replaying_ || !sender_.empty();
  std::array<pollfd, 3> fds{};
  fds[0] = {signals_.get(), POLLIN, 0};
  fds[1] = {quit_ ? -1 : socket_.get(), static_cast<short>(writes ? POLLOUT : POLLIN), 0};
  fds[2] = {adopted_ends_.get(), POLLIN, 0};
  if (poll(fds.data(), fds.size(), timeout()) < 0) return;
  if (fds[0].revents != 0) take_signals();
  if (fds[2].revents != 0) take_adopted_ends();
  if (fds[1].revents != 0) exchange();
}

int Keeper::timeout() const {
  std::optional<Time> next;
  if (leave_by_) {
    next = leave_by_;
  } else if (stopping_) {
    for (const auto& [time, id] : kill_at_)
      next = std::min(next.value_or(time), time);
  } else if (manager_ == 0) {
    next = start_at_;
  }
  if (reap_by_) next = std::min(next.value_or(*reap_by_), *reap_by_);
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
}

// Ends come first: a manager that is dead must not be sent a signal that the next one could take.
void Keeper::take_signals() {
  bool children = false;
  std::bitset<_NSIG> others;
  pid_t process = 0;
  while (const int signal = os::next_signal(signals_.get(), &process)) {
    if (signal == SIGCHLD) {
      children = true;
      reap(process);
    } else {
      others.set(static_cast<std::size_t>(signal));
    }
  }
  if (children) reap_others();
  if (others.any() && reap_by_) reap();
  for (const int signal : forwarded_signals) {
    if (others.test(static_cast<std::size_t>(signal))) daemon_signal(signal);
  }
}

void Keeper::daemon_signal(int signal) {
  if (is_shutdown(signal)) {
    shutdown_signal_ = signal;
  } else if (!working()) {
    remember(signal);
  }
  if (working()) {
    send_signal(signal);
  } else if (is_shutdown(signal) && manager_ == 0 && !stopping_) {
    // Nobody needs to wait for a manager that comes back after a long delay.
    start_at_ = now();
    if (hopeless()) stop_children();
  }
}

void Keeper::remember(int signal) {
  if (std::ranges::find(pending_signals_, signal) == pending_signals_.end()) pending_signals_.push_back(signal);
}

// The kernel finds one child at once, but whether any has ended only by looking at each: milliseconds where there are
// thousands. The one whose death was signalled is dealt with without that. Of those whose signals were merged with it
// only such a look can tell; among many children it comes when what follows from the first has had time to be done.
void Keeper::reap_others() {
  if (table_.running() <= many_children) return reap();
  if (!reap_by_) reap_by_ = now() + patience_with_many;
}

// All that have ended.
void Keeper::reap() {
  reap_by_.reset();
  while (reap(-1)) {
  }
}

// That child, or anyone with -1. False if it has not ended, or the daemon has.
bool Keeper::reap(pid_t pid) {
  int status = 0;
  rusage usage{};
  if (result_ || (pid = wait4(pid, &status, WNOHANG, &usage)) <= 0) return false;
  if (pid == manager_) {
    manager_gone(status);
    return true;
  }
  const Exit exit{status, microseconds(usage.ru_utime), microseconds(usage.ru_stime),
                  static_cast<std::uint64_t>(usage.ru_maxrss),
                  static_cast<std::uint64_t>(now().time_since_epoch().count())};
  const ProcessId id = table_.reaped(pid, exit);
  if (!working()) return true;
  if (id != 0) {
    send_exit(id, *table_.find(id));
  } else if (sender_.waiting() < 1000) {
    Writer writer;
    writer.i32(pid);
    writer.i32(status);
    send(Notice::orphan, 0, writer);
  }
  return true;
}

void Keeper::start_manager() {
  const Time begin = now();
  restart_.started(begin);
  int ends[2];
  pid_t pid = 0;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    pid = -errno;
  } else {
    socket_.reset(ends[0]);
    const UniqueFd theirs(ends[1]);
    pid = starter_.start(spawner_, theirs.get(), daemonized_, restart_.quick_deaths());
  }
  if (pid > 0) {
    manager_ = pid;
    begin_replay();
    return;
  }
  socket_.reset();
  // Whoever starts the daemon is there to read it; later it is tried again until it succeeds.
  if (!served_) dprintf(STDERR_FILENO, "supervisord: could not start: %s\n", std::strerror(-pid));
  manager_gone(W_EXITCODE(EXIT_FAILURE, 0));
}

// What it still asked for before it died is done first: quit, above all.
void Keeper::manager_gone(int status) {
  sender_.clear();
  replaying_ = false;
  while (socket_ && receiver_.receive(socket_.get()) == Receiver::Got::datagram && serve_datagram())
    sender_.clear();
  socket_.reset();
  sender_.clear();
  leave_by_.reset();
  manager_ = 0;
  if (to_background_) return;
  if (quit_) {
    result_ = *quit_;
  } else if (handing_over_) {
    handing_over_ = false;
    restart_ = {};
    start_at_ = now();
  } else if (!served_ && table_.running() == 0) {
    result_ = exit_code(status);
  } else {
    start_at_ = restart_.ended(now());
    if (shutdown_signal_ == 0) return;
    ++deaths_since_order_;
    start_at_ = now();
    if (hopeless()) stop_children();
  }
}

// For a manager that cannot be talked to any more: one that broke the protocol, or one that closed its socket and
// should be leaving with an exit status of its own.
void Keeper::disconnect(bool broken) {
  socket_.reset();
  sender_.clear();
  replaying_ = false;
  if (broken) {
    kill_manager();
  } else {
    let_leave();
  }
}

// The manager leaves by itself. It keeps its socket, whose closing would tell it that we are gone.
void Keeper::let_leave() {
  leave_by_ = now() + std::chrono::seconds(5);
}

void Keeper::kill_manager() {
  leave_by_.reset();
  if (manager_ != 0) kill(manager_, SIGKILL);
}

void Keeper::daemonize() {
  to_background_ = false;
  socket_.reset();
  sender_.clear();
  leave_by_.reset();
  manager_ = 0;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    result_ = EXIT_FAILURE;
    return;
  }
  const UniqueFd ready(ends[0]);
  UniqueFd tell(ends[1]);
  const pid_t background = fork();
  if (background != 0) {
    tell.reset();
    result_ = background > 0 ? wait_for_background(background, ready.get()) : EXIT_FAILURE;
    return;
  }
  setsid();
  prepare_process();
  background_ready_ = std::move(tell);
  daemonized_ = true;
  fresh_ = true;
  start_at_ = now();
}

// Stands in for the daemon until it is up: its exit code and the signals are passed on.
int Keeper::wait_for_background(pid_t background, int ready) {
  while (true) {
    std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {ready, POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    while (const int signal = os::next_signal(signals_.get())) {
      if (signal != SIGCHLD) kill(background, signal);
    }
    if (fds[1].revents == 0) continue;
    char byte = 0;
    if (read(ready, &byte, 1) == 1) return EXIT_SUCCESS;
    int status = 0;
    while (waitpid(background, &status, 0) < 0) {
      if (errno != EINTR) return EXIT_FAILURE;
    }
    return exit_code(status);
  }
}

bool Keeper::hopeless() const {
  return restart_.quick_deaths() >= hopeless_after || deaths_since_order_ >= hopeless_after;
}

void Keeper::stop_children() {
  stopping_ = true;
  for (const ProcessId id : table_.ids()) {
    const Entry& entry = *table_.find(id);
    if (!entry.running()) continue;
    (void)signal_child(entry, entry.stop_signal, entry.stop_as_group);
    kill_at_.emplace_back(now() + std::chrono::milliseconds(entry.stop_wait_ms), id);
  }
}

void Keeper::kill_overdue() {
  if (table_.running() == 0) {
    result_ = EXIT_SUCCESS;
    return;
  }
  const auto overdue = [this, time = now()](const std::pair<Time, ProcessId>& item) {
    const Entry* entry = table_.find(item.second);
    if (!entry->running()) return true;
    if (time < item.first) return false;
    (void)signal_child(*entry, SIGKILL, entry->kill_as_group);
    return true;
  };
  std::erase_if(kill_at_, overdue);
}

}  // namespace sup::keeper
