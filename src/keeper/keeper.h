// The keeper: the process the user started, the parent of every child.
//
// It forks, reaps, signals and holds descriptors for the manager, which holds everything else. It knows no policy,
// reads no configuration and takes input from nobody but the manager. When the manager dies it starts it again and
// hands back the table of children. See docs/architecture.md, "Keeper and manager".
//
// TERM, INT, QUIT, HUP and USR2 are forwarded to the manager; an order to shut down is given again to each manager that
// follows until one carries it out. If no manager can be started any more, the keeper stops the children itself.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace sup::keeper {

// The private first argument by which the keeper starts the manager: "--manager=FD". The manager inherits that
// descriptor and 0 to 2, ignores the signals that the keeper forwards (a terminal sends INT to both) and has no signal
// blocked.
inline constexpr const char* manager_argument = "--manager=";
// Comes behind it when the daemon is in the background already.
inline constexpr const char* daemonized_argument = "--daemonized";

// By this one a keeper starts itself anew: "--keeper=FD", where FD has its state (keeper/state.h). All that it holds
// is open, and the signals that matter are blocked.
inline constexpr const char* keeper_argument = "--keeper=";
// And by these a manager asks a program whether it could go on: "--can-keep=FD" is about the keeper's state,
// "--can-take-over=FD" about what the manager leaves (daemon/handover.h). The answer is exit status 0 and a line that
// begins with `consent`, followed by the program's version; or another exit status and a line that says why not.
inline constexpr const char* can_keep_argument = "--can-keep=";
inline constexpr const char* can_take_over_argument = "--can-take-over=";
inline constexpr const char* consent = "supervisorxx can go on: ";

// Runs until the manager asks to quit, or ends before it was ever serving; returns the daemon's exit code. `program` is
// the path to start the manager from; `arguments` are the user's own, without argv[0], and reach the manager behind the
// private ones. Takes over the process: signals, children, and every descriptor above 2, which it closes.
[[nodiscard]] int run(const std::string& program, const std::string& argv0, const std::vector<std::string>& arguments);

// The same for a keeper that was started by keeper_argument.
[[nodiscard]] int resume(UniqueFd state, const std::string& argv0, const std::vector<std::string>& arguments);

// Answers can_keep_argument: prints, and returns the exit code.
[[nodiscard]] int can_keep(UniqueFd state);

}  // namespace sup::keeper
