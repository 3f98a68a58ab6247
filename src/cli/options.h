// Command lines with the rules of Python's getopt, which Supervisor's programs use: unique prefixes of long options,
// `--opt=value` and `--opt value`, bundled short flags, every option at most once; and the fatal path for mistakes.
//
// parse() splits a command line; take_each() then hands the options over in the order given, because Supervisor acts on
// them in that order: `-v` ends the program before a later option can be wrong.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::cli {

struct Option {
  char short_name = 0;              // 0: none
  std::string_view long_name = {};  // empty: none
  bool takes_value = false;
  std::string_view value_name = {};  // for the help text: "FILENAME"
  std::string_view help = {};   // one sentence fragment: "use FILENAME as logfile path"; empty: not in the help text
  bool repeatable = false;      // may stand twice without being a conflict
  std::string_view shown = {};  // how the help text names it, where that is not "-l/--logfile FILENAME"
  bool exact_only = false;      // no prefix of its long name means it, so that those of other options stay unique
};

struct Given {
  const Option* option = nullptr;
  std::string value;    // empty for flags
  std::string spelled;  // "-l" or "--logfile": the full name, also when a prefix was given
};

struct Parsed {
  std::vector<Given> given;        // in order; refers to the table, which must outlive it
  std::vector<std::string> words;  // positional arguments
  [[nodiscard]] const std::string* value(std::string_view long_name) const;  // nullptr when not given
};

// Parsing ends at the first positional argument or behind `--`.
// On a mistake: the text behind "Error: ", e.g. "option --bogus not recognized", "option -c requires argument",
// "option --no not a unique prefix".
[[nodiscard]] std::expected<Parsed, std::string> parse(const std::vector<std::string>& arguments,
                                                       const std::vector<Option>& options);

enum class Next { go_on, stop };

// Gives each option to `take`, in order, until it says stop. What `take` finds wrong with a value comes back as
// "invalid value for -e 'zz': ITS TEXT"; an option given twice as "conflicting command line option '-n'".
[[nodiscard]] std::expected<void, std::string> take_each(
    const Parsed& parsed, const std::function<std::expected<Next, std::string>(const Given&)>& take);

// "positional arguments are not supported: ['a', 'b']"
[[nodiscard]] std::string unexpected_words(const std::vector<std::string>& words);

// Supervisor's fatal path: "Error: MESSAGE\nFor help, use PROGRAM -h\n" on standard error. The exit code is 2.
[[nodiscard]] std::string usage_error(std::string_view message, std::string_view program);
inline constexpr int usage_exit_code = 2;

}  // namespace sup::cli
