// A line that is typed at a terminal, with editing, history and completion (libedit).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::ctl {

class Editor {
 public:
  // What could stand in place of the last word of a line: complete.h.
  using Complete = std::function<std::vector<std::string>(std::string_view line, std::string_view word)>;

  // For standard input and output, which must be terminals. `history_file` holds one line per command, as GNU
  // readline's does; it is read now, and what is wrong with it does not matter.
  Editor(Complete complete, std::optional<std::string> history_file);
  ~Editor();
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  // One line without its newline; nullopt at the end of input and when `interrupts` becomes readable.
  [[nodiscard]] std::optional<std::string> read(const std::string& prompt, int interrupts);

  // Writes the history file, if there is one and if a line came in since.
  void save_history();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sup::ctl
