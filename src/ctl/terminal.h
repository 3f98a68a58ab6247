// Where commands read and write. console.h has the real one; tests have fakes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::ctl {

class Terminal {
 public:
  virtual ~Terminal() = default;
  // Standard output; may be held back until flush().
  virtual void write(std::string_view text) = 0;
  virtual void flush() = 0;
  // Standard output and standard error at once. Any thread may call these.
  virtual void write_now(std::string_view text) = 0;
  virtual void complain(std::string_view text) = 0;

  // One line of input without its newline; nullopt at the end of input. ask() and ask_secretly() are for questions,
  // read_command() is for the shell and may offer editing.
  [[nodiscard]] virtual std::optional<std::string> ask(const std::string& question) = 0;
  [[nodiscard]] virtual std::optional<std::string> ask_secretly(const std::string& question) = 0;
  [[nodiscard]] virtual std::optional<std::string> read_command(const std::string& prompt) = 0;

  // Between catch_interrupts() and release_interrupts(), Ctrl-C does not end the program: the descriptor becomes
  // readable (-1: there is no such thing here), and wait_for_line() says so.
  virtual int catch_interrupts() = 0;
  virtual void release_interrupts() = 0;
  [[nodiscard]] virtual bool interrupted() = 0;  // since catch_interrupts()

  struct Input {
    enum class Kind { line, end, interrupt, nothing };
    Kind kind = Kind::nothing;
    std::string line;
  };
  [[nodiscard]] virtual Input wait_for_line(std::chrono::milliseconds patience) = 0;
};

// Catches Ctrl-C while it lives.
class Interrupts {
 public:
  explicit Interrupts(Terminal& terminal) : terminal_(terminal), descriptor_(terminal.catch_interrupts()) {}
  ~Interrupts() { terminal_.release_interrupts(); }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  Terminal& terminal_;
  int descriptor_;
};

}  // namespace sup::ctl
