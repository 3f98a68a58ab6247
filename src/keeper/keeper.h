// The keeper: the process the user started, the parent of every child.
//
// It forks, reaps, signals and holds descriptors for the manager, which holds everything else. It knows no policy,
// reads no configuration and takes input from nobody but the manager. When the manager dies it starts it again and
// hands back the table of children. See docs/architecture.md, "Keeper and manager".
#pragma once

#include <string>
#include <vector>

namespace sup::keeper {

// The private first argument by which the keeper starts the manager: "--manager=FD".
inline constexpr const char* manager_argument = "--manager=";

// Runs until the manager asks to quit; returns the daemon's exit code. `program` is the path to start the manager
// from; `arguments` are the user's own, without argv[0], and reach the manager behind the private one.
[[nodiscard]] int run(const std::string& program, const std::string& argv0, const std::vector<std::string>& arguments);

}  // namespace sup::keeper
