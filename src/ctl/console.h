// The real terminal: the standard descriptors of this process.
#pragma once

#include <csignal>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "ctl/editor.h"
#include "ctl/terminal.h"

namespace sup::ctl {

class Console final : public Terminal {
 public:
  Console() = default;
  ~Console() override { flush(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Lets read_command() offer editing, if a person sits at both ends. Nothing is set up otherwise.
  void offer_editing(Editor::Complete complete, std::optional<std::string> history_file);
  void save_history();
  // From now on Ctrl-C outside catch_interrupts() ends the program with a newline and status 0.
  void leave_on_interrupt();

  void write(std::string_view text) override { output_ += text; }
  void flush() override;
  void write_now(std::string_view text) override;
  void complain(std::string_view text) override;
  [[nodiscard]] std::optional<std::string> ask(const std::string& question) override;
  [[nodiscard]] std::optional<std::string> ask_secretly(const std::string& question) override;
  [[nodiscard]] std::optional<std::string> read_command(const std::string& prompt) override;
  int catch_interrupts() override;
  void release_interrupts() override;
  [[nodiscard]] bool interrupted() override;
  [[nodiscard]] Input wait_for_line(std::chrono::milliseconds patience) override;

 private:
  // The next line from `descriptor`; what came behind it stays in `pending`.
  Input read_line(int descriptor, std::string& pending, int patience_ms);

  std::string output_;  // not yet written
  std::string input_;   // read, but not yet asked for
  UniqueFd signals_;
  sigset_t mask_before_{};
  bool interrupted_ = false;
  std::unique_ptr<Editor> editor_;
};

}  // namespace sup::ctl
