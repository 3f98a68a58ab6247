// supervisorctl's command line, merged over the [supervisorctl] section of the configuration file.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "ctl/remote.h"

namespace sup::ctl {

struct Settings {
  Server server{"http://localhost:9001", {}, {}};
  std::string prompt = "supervisor";
  std::optional<std::string> history_file;
  bool interactive = false;
  bool help = false;               // print help_text() and exit 0; nothing else has been looked at
  std::vector<std::string> words;  // the command; empty: start a shell
};

// `arguments` without the program's name. On a mistake: its message for cli::usage_error(). Where in a file it is stays
// untold: scripts compare what supervisorctl says, and `supervisord --check` tells more.
[[nodiscard]] std::expected<Settings, std::string> read_settings(const std::vector<std::string>& arguments,
                                                                 const std::string& program, const config::Host& host);

[[nodiscard]] std::string help_text(std::string_view program);

}  // namespace sup::ctl
