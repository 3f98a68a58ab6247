// From a line to a command: what is done with the words of a command line and with what is typed in the shell.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ctl/session.h"

namespace sup::ctl {

struct Line {
  std::string command;    // empty: none can be recognised
  std::string arguments;  // trimmed
  std::string text;       // the whole, trimmed, with a leading `?` turned into "help "; empty: nothing was typed
};

// Python's cmd.Cmd: the command is the leading run of letters, digits and `_`.
[[nodiscard]] Line parse_line(std::string_view text);

// Runs one line. What goes wrong is said; the session's exit status tells.
void execute(Session& session, std::string_view line);

// Shows the status, then reads and runs commands until one leaves or input ends; `before_each` is called before a
// command runs.
void run_shell(Session& session, const std::string& prompt, const std::function<void()>& before_each);

}  // namespace sup::ctl
