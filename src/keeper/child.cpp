#include "keeper/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2U
#endif

namespace sup::keeper {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr std::size_t kernel_set_size = _NSIG / 8;

// Starts with the handler on every architecture, and is all zero but for it: only its size must not be too small.
struct KernelAction {
  void (*handler)(int) = nullptr;
  unsigned long rest[8] = {};
};

iovec piece(const char* text) {
  return {const_cast<char*>(text), std::strlen(text)};
}

template <class... Text>
void say(Text... text) {
  iovec pieces[] = {piece(text)...};
  syscall(SYS_writev, 2, pieces, sizeof...(text));
}

// Decimal digits of a number in a buffer that lives as long as the object.
class Digits {
 public:
  explicit Digits(unsigned long number) {
    do {
      *--begin_ = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
  }
  Digits(const Digits&) = delete;
  Digits& operator=(const Digits&) = delete;
  [[nodiscard]] const char* text() const { return begin_; }

 private:
  char buffer_[24] = {};
  char* begin_ = buffer_ + sizeof buffer_ - 1;
};

// Both lines in one write, so that nothing comes between them.
[[noreturn]] void give_up(const char* verb, const char* subject, const char* reason) {
  say("supervisor: couldn't ", verb, " ", subject, ": ", reason, "\nsupervisor: child process was not spawned\n");
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

[[noreturn]] void give_up(const char* verb, const char* subject, int code) {
  const char* name = strerrorname_np(code);  // from a constant table
  if (name != nullptr) give_up(verb, subject, name);
  const Digits digits(static_cast<unsigned long>(code));
  give_up(verb, subject, digits.text());
}

void reset_signals(std::uint64_t changed, std::uint64_t ignored) {
  for (int signal = 1; signal < _NSIG; ++signal) {
    const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
    if (((changed | ignored) & bit) == 0) continue;
    KernelAction action;
    if ((ignored & bit) != 0) action.handler = SIG_IGN;
    syscall(SYS_rt_sigaction, signal, &action, nullptr, kernel_set_size);
  }
}

// We keep ourselves from the kernel's choice of victims. Best effort, like that.
void take_oom_score(const char* score) {
  if (score[0] == '\0') return;
  const long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  syscall(SYS_write, fd, score, std::strlen(score));
  syscall(SYS_close, fd);
}

// Exactly 0, 1, 2 and, if there is an extra one, 3 stay open.
void arrange_fds(const ChildTask& task) {
  for (int target = 0; target < 3; ++target) {
    const int source = task.fds[static_cast<std::size_t>(target)];
    if (source == target) {
      syscall(SYS_fcntl, target, F_SETFD, 0);
    } else {
      syscall(SYS_dup3, source, target, 0);
    }
  }
  unsigned int first = 3;
  if (task.extra >= 0) {
    if (task.extra == 3) {
      syscall(SYS_fcntl, 3, F_SETFD, 0);
    } else {
      syscall(SYS_dup3, task.extra, 3, 0);
    }
    first = 4;
  }
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  for (unsigned long fd = first; fd < task.max_fd; ++fd)
    syscall(SYS_close, fd);
}

// Supervisor's rules: the same user is fine for anybody, another one needs root.
void take_identity(const ChildTask& task) {
  if (!task.set_identity) return;
  const auto current = static_cast<uid_t>(syscall(SYS_getuid));
  if (current == task.uid) return;
  const Digits uid(task.uid);
  if (task.identity_refused[0] != '\0') give_up("setuid to", uid.text(), task.identity_refused);
  if (current != 0) give_up("setuid to", uid.text(), "Can't drop privilege as nonroot user");
  // The system calls themselves: glibc's functions would change all threads of the memory we share.
  if (syscall(SYS_setgroups, task.group_count, task.groups) != 0) {
    give_up("setuid to", uid.text(), "Could not set groups of effective user");
  }
  if (syscall(SYS_setgid, task.gid) != 0) {
    give_up("setuid to", uid.text(), "Could not set group id of effective user");
  }
  if (syscall(SYS_setuid, task.uid) != 0) give_up("setuid to", uid.text(), errno);
}

[[noreturn]] void become(const ChildTask& task) {
  if (task.own_group) syscall(SYS_setpgid, 0, 0);
  reset_signals(task.changed_signals, task.ignored_signals);
  take_oom_score(task.oom_score);
  arrange_fds(task);
  if (task.set_open_files) syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &task.open_files, nullptr);
  take_identity(task);
  if (task.directory[0] != '\0' && syscall(SYS_chdir, task.directory) != 0) {
    give_up("chdir to", task.directory, errno);
  }
  if (task.set_umask) syscall(SYS_umask, task.umask);
  const unsigned long none[16] = {};
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, nullptr, kernel_set_size);
  syscall(SYS_execve, task.path, task.argv, task.environment);
  give_up("exec", task.argv[0], errno);
}

int run_shared_table(void* argument) {
  auto& task = *static_cast<ChildTask*>(argument);
  if (syscall(SYS_close_range, first_dropped_fd, ~0U, CLOSE_RANGE_UNSHARE) != 0) {
    // The table is still our parent's: touch nothing.
    task.refused = errno;
    syscall(SYS_exit_group, 0);
  }
  become(task);
}

int run(void* argument) {
  become(*static_cast<const ChildTask*>(argument));
}

}  // namespace

ChildStack::ChildStack() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* map = mmap(nullptr, stack_size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) return;
  mprotect(map, page, PROT_NONE);
  top_ = static_cast<char*>(map) + page + stack_size;
}

std::uint64_t changed_signals() {
  std::uint64_t changed = 0;
  for (int signal = 1; signal < _NSIG; ++signal) {
    KernelAction action;
    const bool known = syscall(SYS_rt_sigaction, signal, nullptr, &action, kernel_set_size) == 0;
    if (!known || action.handler != SIG_DFL) changed |= std::uint64_t{1} << (signal - 1);
  }
  return changed;
}

pid_t start_child(ChildTask& task, Method method, const ChildStack& stack) {
  task.refused = 0;
  pid_t pid = -1;
  switch (method) {
    case Method::shared_table:
      pid = clone(run_shared_table, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &task);
      break;
    case Method::vfork:
      pid = clone(run, stack.top(), CLONE_VM | CLONE_VFORK | SIGCHLD, &task);
      break;
    case Method::fork:
      pid = fork();
      if (pid == 0) become(task);
      // Whichever of the two comes first: a signal to the group must find it.
      if (pid > 0 && task.own_group) setpgid(pid, pid);
      break;
  }
  return pid >= 0 ? pid : -errno;
}

}  // namespace sup::keeper
