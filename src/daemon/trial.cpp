#include "daemon/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/signals.h"
#include "base/strings.h"

namespace sup::daemon {
namespace asio = boost::asio;

namespace {

constexpr std::size_t longest_answer = 4096;
constexpr std::size_t longest_line = 300;

// 0 or errno.
int start(pid_t& pid, const std::string& program, std::vector<std::string>& argv, int output, int file) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  // The descriptors are above 3, so that none is overwritten before it is used.
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  posix_spawn_file_actions_adddup2(&actions, file, trial_fd);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments;
  for (std::string& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const int code = posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "it was terminated by " + std::string(signal_name(WTERMSIG(status)));
  return "it ended with exit status " + std::to_string(WEXITSTATUS(status));
}

class Trial : public std::enable_shared_from_this<Trial> {
 public:
  using Done = std::move_only_function<void(Result<std::string>)>;

  Trial(asio::io_context& loop, UniqueFd output, pid_t pid, Done done)
      : output_(loop, output.release()), timer_(loop), pid_(pid), done_(std::move(done)) {}
  ~Trial() { (void)end(); }

  void begin(Duration patience) {
    timer_.expires_after(patience);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->done_) return;
      (void)self->end();
      self->answer(fail("it did not answer in time"));
    });
    listen();
  }

 private:
  void listen() {
    output_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error && self->done_) self->read();
                       });
  }

  void read() {
    std::array<char, 1024> buffer;
    const ssize_t got = ::read(output_.native_handle(), buffer.data(), buffer.size());
    if (got > 0 && text_.size() < longest_answer) text_.append(buffer.data(), static_cast<std::size_t>(got));
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return listen();
    const int status = end();
    const std::string_view text = trim(text_);
    std::string line(text.substr(0, text.find('\n')).substr(0, longest_line));
    if (status == 0) return answer(std::move(line));
    answer(fail(line.empty() ? how_it_ended(status) : std::move(line)));
  }

  void answer(Result<std::string> result) {
    timer_.cancel();
    boost::system::error_code ignored;
    output_.close(ignored);
    std::exchange(done_, nullptr)(std::move(result));
  }

  // Its wait status. The end of its output is the end of a program that means well, whose exit status is settled by then;
  // any other is killed.
  int end() {
    if (pid_ == 0) return -1;
    int status = -1;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

  asio::posix::stream_descriptor output_;
  asio::steady_timer timer_;
  pid_t pid_;
  std::string text_;
  Done done_;
};

// The same file under a number that no standard descriptor has.
UniqueFd out_of_the_way(UniqueFd fd) {
  if (fd.get() > trial_fd) return fd;
  return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, trial_fd + 1));
}

}  // namespace

void run_trial(asio::io_context& loop, const std::string& program, std::vector<std::string> argv, UniqueFd file,
               Duration patience, std::move_only_function<void(Result<std::string>)> done) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return done(std::unexpected(system_error("pipe", {}, errno)));
  UniqueFd ours(ends[0]);
  const UniqueFd theirs = out_of_the_way(UniqueFd(ends[1]));
  const UniqueFd subject = out_of_the_way(std::move(file));
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  pid_t pid = 0;
  const int code = theirs && subject ? start(pid, program, argv, theirs.get(), subject.get()) : EMFILE;
  if (code != 0) return done(std::unexpected(system_error("exec", program, code)));
  std::make_shared<Trial>(loop, std::move(ours), pid, std::move(done))->begin(patience);
}

}  // namespace sup::daemon
