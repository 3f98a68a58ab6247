// The text behind -h, made from the same table that parses the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace sup::cli {

struct HelpPage {
  std::string_view summary;    // "supervisord -- run a set of applications as daemons."
  std::string_view arguments;  // "[options]", behind "Usage: PROGRAM "
  std::string_view closing;    // paragraphs behind the options, each line ended; may be empty
};

// The whole text, a blank line at its end, as Supervisor prints it: "-l/--logfile FILENAME -- HELP" for each option of
// the table that has a help. A long help is folded between words.
[[nodiscard]] std::string help_text(const HelpPage& page, const std::vector<Option>& options, std::string_view program);

}  // namespace sup::cli
