// Command lines with the rules of Python's getopt, which Supervisor's programs use: unique prefixes of long options,
// `--opt=value` and `--opt value`, bundled short flags, every option at most once; and the fatal path for mistakes.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sup::cli {

struct Option {
  char short_name = 0;          // 0: none
  std::string_view long_name;
  bool takes_value = false;
  std::string_view value_name;  // for the help text: "FILENAME"
  std::string_view help;        // one sentence fragment: "use FILENAME as logfile path"
  bool repeatable = false;      // may stand twice without being a conflict
};

struct Parsed {
  // What was given, by long name, in order; the value is empty for flags.
  std::vector<std::pair<const Option*, std::string>> given;
  std::vector<std::string> words;  // positional arguments
  [[nodiscard]] const std::string* value(std::string_view long_name) const;  // nullptr when not given
};

// On a mistake: the text behind "Error: ", e.g. "option --bogus not recognized", "option -c requires argument",
// "option --no not a unique prefix".
[[nodiscard]] std::expected<Parsed, std::string> parse(const std::vector<std::string>& arguments,
                                                       const std::vector<Option>& options);

// Supervisor's fatal path: "Error: MESSAGE\nFor help, use PROGRAM -h\n" on standard error. The exit code is 2.
[[nodiscard]] std::string usage_error(std::string_view message, std::string_view program);
inline constexpr int usage_exit_code = 2;

}  // namespace sup::cli
