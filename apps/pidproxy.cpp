// pidproxy: runs a command that puts itself into the background or otherwise cannot be signalled directly, and passes
// the signals that it gets on to the process named in a pid file. It ends with the command.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/strings.h"
#include "base/unique_fd.h"

namespace {

constexpr std::array passed_on{SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGQUIT};

void print_usage(const char* self) {
  std::printf(
      "\npidproxy -- run a command and pass signals on through its pid file.\n\n"
      "Runs the command and waits for its end. TERM, HUP, INT, USR1, USR2 and QUIT are sent on to\n"
      "the process whose number is in the pid file; after TERM, INT and QUIT pidproxy ends.\n\n"
      "Usage: %s <pidfile name> <command> [<cmdarg1> ...]\n\n",
      self);
}

bool is_last(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

// The mask with which we were started; everything we handle is blocked from here on and fetched with sigwaitinfo.
sigset_t take_signals(sigset_t& handled) {
  sigemptyset(&handled);
  for (const int signal : passed_on)
    sigaddset(&handled, signal);
  sigaddset(&handled, SIGCHLD);
  ::signal(SIGCHLD, SIG_DFL);  // an inherited SIG_IGN would reap the command behind our back
  sigset_t before;
  sigprocmask(SIG_BLOCK, &handled, &before);
  return before;
}

// Found from the current directory, never in PATH. An errno value, or 0.
int start(char* const* command, const sigset_t& handled, const sigset_t& mask) {
  posix_spawnattr_t attributes;
  if (const int error = posix_spawnattr_init(&attributes); error != 0) return error;
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setsigdefault(&attributes, &handled);
  std::error_code no_directory;
  const auto path = std::filesystem::absolute(command[0], no_directory).lexically_normal();
  pid_t pid = 0;
  const int error =
      no_directory ? no_directory.value() : posix_spawn(&pid, path.c_str(), nullptr, &attributes, command, environ);
  posix_spawnattr_destroy(&attributes);
  return error;
}

std::optional<pid_t> read_pid(const char* path) {
  const sup::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::nullopt;
  std::array<char, 64> text;
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  const auto pid = sup::to_int(std::string_view(text.data(), static_cast<std::size_t>(size)));
  if (!pid || *pid <= 0 || *pid > INT_MAX) return std::nullopt;  // 0 and below would mean whole process groups
  return static_cast<pid_t>(*pid);
}

// What to exit with, or nothing to go on.
std::optional<int> pass_on(int signal, const char* pid_file) {
  const auto pid = read_pid(pid_file);
  if (!pid) {
    std::printf("Can't read child pidfile %s!\n", pid_file);
    std::fflush(stdout);
    return std::nullopt;
  }
  const bool sent = ::kill(*pid, signal) == 0;
  if (!sent) std::fprintf(stderr, "pidproxy: can't signal process %d: %s\n", *pid, std::strerror(errno));
  if (is_last(signal)) return sent ? 0 : 1;
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    print_usage(argc > 0 ? argv[0] : "pidproxy");
    return 1;
  }
  sigset_t handled;
  const sigset_t mask = take_signals(handled);
  if (const int error = start(argv + 2, handled, mask); error != 0) {
    std::fprintf(stderr, "pidproxy: can't run %s: %s\n", argv[2], std::strerror(error));
    return 127;
  }
  for (;;) {
    const int signal = sigwaitinfo(&handled, nullptr);
    if (signal == SIGCHLD) {
      if (::waitpid(-1, nullptr, WNOHANG) != 0) return 0;  // gone, or (an error) never to be seen again
    } else if (signal > 0) {
      if (const auto status = pass_on(signal, argv[1])) return *status;
    }
  }
}
