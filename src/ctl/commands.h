// The table of everything that can be typed: one row per command, with its help.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ctl/failure.h"
#include "ctl/session.h"

namespace sup::ctl {

struct Command {
  std::string_view name;
  std::string_view help;      // lines without the last newline; empty: none
  bool needs_daemon = false;  // first make sure that a daemon answers
  bool listed = true;         // in the overview that `help` prints
  // `arguments` is what follows the command, trimmed. What the command cannot handle comes back as a Failure; all else
  // it says itself, and sets the exit status.
  Tried<> (*run)(Session& session, std::string_view arguments) = nullptr;
};

// Sorted by name.
[[nodiscard]] std::span<const Command> commands();
[[nodiscard]] const Command* find_command(std::string_view name);  // nullptr: no such command

// Runs a command, after the check of the daemon if it needs one.
[[nodiscard]] Tried<> perform(Session& session, const Command& command, std::string_view arguments);

// For wrong arguments: says `problem`, then the help of the command, and sets the exit status.
void refuse_usage(Session& session, std::string_view command, std::string_view problem,
                  int status = exit_status::generic);

}  // namespace sup::ctl
