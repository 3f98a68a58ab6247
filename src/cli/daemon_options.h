// What supervisord's command line asks for.
//
// Values are checked here, with Supervisor's words, since a wrong one ends the program before the configuration file is
// looked for. Paths keep their form (`~` expanded); the loader makes them absolute together with those of the file.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "config/load.h"

namespace sup::cli {

struct DaemonCommandLine {
  enum class Action {
    run,
    help,     // print daemon_help() on standard output, exit 0
    version,  // print version_text on standard output, exit 0
    check,    // read the configuration, report every problem, start nothing
  };
  Action action = Action::run;
  std::optional<std::string> configuration;  // -c as given
  config::DaemonOverrides overrides;
};

// The release of Supervisor whose behaviour this is, as -v prints it.
inline constexpr std::string_view version_text = "4.4.0\n";

// `arguments` without the program's name. On a mistake: the text for usage_error().
[[nodiscard]] std::expected<DaemonCommandLine, std::string> parse_daemon_options(
    const std::vector<std::string>& arguments, const config::Host& host);

[[nodiscard]] std::string daemon_help(std::string_view program);

}  // namespace sup::cli
