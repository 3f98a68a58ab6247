#include "keeper/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/version.h"
#include "keeper/loop.h"
#include "keeper/settings.h"
#include "keeper/spawn.h"
#include "keeper/state.h"
#include "os/memory_file.h"
#include "os/self_path.h"
#include "os/signals.h"

namespace sup::keeper {
namespace {

constexpr int manager_fd = 3;  // where Spawner::start_manager puts the socket

class ProgramStarter final : public ManagerStarter {
 public:
  ProgramStarter(std::string program, std::string argv0, std::vector<std::string> arguments)
      : program_(std::move(program)), argv0_(std::move(argv0)), arguments_(std::move(arguments)) {}

  // The file may be gone, or one that does not work: then after a few attempts every other one is made with
  // the program that we run.
  pid_t start(Spawner& spawner, int socket, bool daemonized, int deaths) override {
    const std::string own = "/proc/self/exe";
    std::vector<std::string> argv = {argv0_, manager_argument + std::to_string(manager_fd)};
    if (daemonized) argv.emplace_back(daemonized_argument);
    argv.insert(argv.end(), arguments_.begin(), arguments_.end());
    return spawner.start_manager(deaths >= 3 && deaths % 2 == 1 ? own : program_, argv, socket, forwarded_signals);
  }

  std::string program() const override { return program_; }
  bool differs() const override { return !os::is_running_program(program_); }

  int become(int state) override {
    const std::string first = keeper_argument + std::to_string(state);
    std::vector<char*> argv = {argv0_.data(), const_cast<char*>(first.c_str())};
    for (std::string& argument : arguments_)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(program_.c_str(), argv.data());
    return errno;
  }

 private:
  std::string program_;
  std::string argv0_;
  std::vector<std::string> arguments_;
};

// Descriptors 0 to 2 are open, and no others: none of a pipe's ends becomes somebody's standard output, none that was
// inherited keeps a file or a socket alive for as long as we live.
void tidy_descriptors() {
  int fd = 0;
  while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd < 3)
    fcntl(fd, F_SETFD, 0);
  if (syscall(SYS_close_range, 3, ~0U, 0) == 0) return;
  const long limit = sysconf(_SC_OPEN_MAX);
  for (fd = 3; fd < limit && fd < 65536; ++fd)
    close(fd);
}

void complain(std::string_view text) {
  const std::string line = "supervisord: " + std::string(text) + "\n";
  [[maybe_unused]] const ssize_t wrote = write(2, line.data(), line.size());
}

constexpr std::initializer_list<int> handled_signals = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2};

Result<SavedState> read_state_file(const UniqueFd& file) {
  const auto bytes = os::read_memory_file(file.get());
  if (!bytes) return std::unexpected(bytes.error());
  return read_state(*bytes);
}

}  // namespace

int run(const std::string& program, const std::string& argv0, const std::vector<std::string>& arguments) {
  tidy_descriptors();
  signal(SIGPIPE, SIG_IGN);
  auto spawner = Spawner::create();
  auto signals = os::signal_descriptor(handled_signals);
  if (!spawner || !signals) {
    complain(spawner ? signals.error().text : spawner.error().text);
    return EXIT_FAILURE;
  }
  take_all_descriptors(*spawner);
  refuse_to_die_for_memory(*spawner);
  ProgramStarter starter(program, argv0, arguments);
  return Keeper(std::move(*spawner), std::move(*signals), starter).run();
}

// The children are ours already: whatever is missing, waiting for it is better than leaving them.
int resume(UniqueFd file, const std::string& argv0, const std::vector<std::string>& arguments) {
  signal(SIGPIPE, SIG_IGN);
  const auto state = read_state_file(file);
  if (!state || state->pid != getpid()) {
    complain(state ? "this state is another process's" : state.error().text);
    return EXIT_FAILURE;
  }
  file.reset();
  auto spawner = Spawner::create();
  auto signals = os::signal_descriptor(handled_signals);
  while (!spawner || !signals) {
    sleep(1);
    if (!spawner) spawner = Spawner::create();
    if (!signals) signals = os::signal_descriptor(handled_signals);
  }
  ProgramStarter starter(state->program, argv0, arguments);
  Keeper keeper(std::move(*spawner), std::move(*signals), starter);
  keeper.adopt(*state);
  return keeper.run();
}

int can_keep(UniqueFd file) {
  const auto state = read_state_file(file);
  const std::string line = state ? consent + std::string(version) : state.error().text;
  std::fprintf(stdout, "%s\n", line.c_str());
  std::fflush(stdout);
  return state ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace sup::keeper
