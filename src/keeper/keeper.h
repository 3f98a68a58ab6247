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

namespace sup::keeper {

// The private first argument by which the keeper starts the manager: "--manager=FD". The manager inherits that
// descriptor and 0 to 2, ignores the signals that the keeper forwards (a terminal sends INT to both) and has no signal
// blocked.
inline constexpr const char* manager_argument = "--manager=";
// Comes behind it when the daemon is in the background already.
inline constexpr const char* daemonized_argument = "--daemonized";

// Runs until the manager asks to quit, or ends before it was ever serving; returns the daemon's exit code. `program` is
// the path to start the manager from; `arguments` are the user's own, without argv[0], and reach the manager behind the
// private ones. Takes over the process: signals, children, and every descriptor above 2, which it closes.
[[nodiscard]] int run(const std::string& program, const std::string& argv0, const std::vector<std::string>& arguments);

}  // namespace sup::keeper
