#include "os/signals.h"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace sup::os {
namespace {

// What the system call takes as the size of a signal set, in bytes.
constexpr std::size_t kernel_set_size = _NSIG / 8;

}  // namespace

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return "SIG" + (name != nullptr ? name : std::to_string(signal));
}

std::optional<int> signal_number(std::string_view text) {
  if (const auto number = to_int(text)) {
    if (*number < 1 || *number >= _NSIG) return std::nullopt;
    return static_cast<int>(*number);
  }
  std::string name = upper(trim(text));
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int signal = 1; signal < _NSIG; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  return std::nullopt;
}

Result<UniqueFd> signal_descriptor(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    sigaddset(&set, signal);
  }
  // Blocked first: with its default disposition one of them could end the process.
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return std::unexpected(system_error("sigprocmask", "", errno));
  for (const int signal : signals) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_IGN) continue;
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  UniqueFd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return std::unexpected(system_error("signalfd", "", errno));
  return fd;
}

int next_signal(int descriptor, pid_t* process) {
  signalfd_siginfo info{};
  ssize_t got = 0;
  do {
    got = read(descriptor, &info, sizeof info);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof info)) return 0;
  if (process != nullptr) *process = static_cast<pid_t>(info.ssi_pid);
  return static_cast<int>(info.ssi_signo);
}

void end_with_parent() noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

AllSignalsBlocked::AllSignalsBlocked() noexcept {
  unsigned long all[16];
  std::memset(all, 0xff, sizeof all);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, all, before_, kernel_set_size);
}

AllSignalsBlocked::~AllSignalsBlocked() {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, before_, nullptr, kernel_set_size);
}

}  // namespace sup::os
