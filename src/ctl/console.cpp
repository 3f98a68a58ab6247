#include "ctl/console.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/signals.h"

namespace sup::ctl {
namespace {

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

// The terminal does not show what is typed while one of these lives.
class EchoOff {
 public:
  explicit EchoOff(int descriptor) : descriptor_(descriptor), active_(::tcgetattr(descriptor, &before_) == 0) {
    if (!active_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(descriptor_, TCSAFLUSH, &quiet);
  }
  ~EchoOff() {
    if (active_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  [[nodiscard]] bool active() const { return active_; }

 private:
  int descriptor_;
  termios before_{};
  bool active_;
};

extern "C" void leave_now(int) {
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, "\n", 1);
  ::_exit(0);
}

}  // namespace

void Console::offer_editing(Editor::Complete complete, std::optional<std::string> history_file) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) return;
  editor_ = std::make_unique<Editor>(std::move(complete), std::move(history_file));
}

void Console::save_history() {
  if (editor_) editor_->save_history();
}

void Console::leave_on_interrupt() {
  std::signal(SIGINT, leave_now);
}

void Console::flush() {
  write_all(STDOUT_FILENO, output_);
  output_.clear();
}

void Console::write_now(std::string_view text) {
  write_all(STDOUT_FILENO, text);
}

void Console::complain(std::string_view text) {
  write_all(STDERR_FILENO, text);
}

std::optional<std::string> Console::ask(const std::string& question) {
  write(question);
  flush();
  Input input = read_line(STDIN_FILENO, input_, -1);
  if (input.kind != Input::Kind::line) return std::nullopt;
  return std::move(input.line);
}

std::optional<std::string> Console::ask_secretly(const std::string& question) {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int descriptor = terminal ? terminal.get() : STDIN_FILENO;
  Input input;
  {
    const Interrupts interrupts(*this);
    const EchoOff quiet(descriptor);
    write_all(terminal ? descriptor : STDERR_FILENO, question);
    std::string pending;
    input = read_line(descriptor, terminal ? pending : input_, -1);
    if (quiet.active()) write_all(terminal ? descriptor : STDERR_FILENO, "\n");
  }
  if (input.kind == Input::Kind::interrupt) ::raise(SIGINT);
  if (input.kind != Input::Kind::line) return std::nullopt;
  return std::move(input.line);
}

std::optional<std::string> Console::read_command(const std::string& prompt) {
  if (!editor_) return ask(prompt);
  flush();
  const Interrupts interrupts(*this);
  return editor_->read(prompt, interrupts.descriptor());
}

int Console::catch_interrupts() {
  interrupted_ = false;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask_before_);
  if (auto descriptor = os::signal_descriptor({SIGINT})) signals_ = std::move(*descriptor);
  return signals_.get();
}

void Console::release_interrupts() {
  while (signals_ && os::next_signal(signals_.get()) != 0) {
  }
  signals_.reset();
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

bool Console::interrupted() {
  while (signals_ && os::next_signal(signals_.get()) != 0)
    interrupted_ = true;
  return interrupted_;
}

Terminal::Input Console::wait_for_line(std::chrono::milliseconds patience) {
  return read_line(STDIN_FILENO, input_, static_cast<int>(patience.count()));
}

Terminal::Input Console::read_line(int descriptor, std::string& pending, int patience_ms) {
  for (;;) {
    if (const auto end = pending.find('\n'); end != pending.npos) {
      Input input{Input::Kind::line, pending.substr(0, end)};
      pending.erase(0, end + 1);
      return input;
    }
    std::array<pollfd, 2> ready{{{descriptor, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
    const int count = ::poll(ready.data(), ready.size(), patience_ms);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return {Input::Kind::nothing, {}};
    if (interrupted()) return {Input::Kind::interrupt, {}};
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got > 0) {
      pending.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      if (pending.empty()) return {Input::Kind::end, {}};
      return {Input::Kind::line, std::exchange(pending, {})};  // the last one, without a newline
    }
  }
}

}  // namespace sup::ctl
