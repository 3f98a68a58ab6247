#include "keeper/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "keeper/loop.h"
#include "keeper/settings.h"
#include "keeper/spawn.h"
#include "os/signals.h"

namespace sup::keeper {
namespace {

constexpr int manager_fd = 3;  // where Spawner::start_manager puts the socket

class ProgramStarter final : public ManagerStarter {
 public:
  ProgramStarter(std::string program, std::string argv0, std::vector<std::string> arguments)
      : program_(std::move(program)), argv0_(std::move(argv0)), arguments_(std::move(arguments)) {}

  pid_t start(Spawner& spawner, int socket, bool daemonized) override {
    std::vector<std::string> argv = {argv0_, manager_argument + std::to_string(manager_fd)};
    if (daemonized) argv.emplace_back(daemonized_argument);
    argv.insert(argv.end(), arguments_.begin(), arguments_.end());
    return spawner.start_manager(program_, argv, socket, forwarded_signals);
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

}  // namespace

int run(const std::string& program, const std::string& argv0, const std::vector<std::string>& arguments) {
  tidy_descriptors();
  signal(SIGPIPE, SIG_IGN);
  auto spawner = Spawner::create();
  auto signals = os::signal_descriptor({SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2});
  if (!spawner || !signals) {
    complain(spawner ? signals.error().text : spawner.error().text);
    return EXIT_FAILURE;
  }
  take_all_descriptors(*spawner);
  ProgramStarter starter(program, argv0, arguments);
  return Keeper(std::move(*spawner), std::move(*signals), starter).run();
}

}  // namespace sup::keeper
