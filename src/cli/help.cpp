#include "cli/help.h"

#include <fmt/format.h>

#include <iterator>

#include "base/strings.h"

namespace sup::cli {
namespace {

constexpr std::size_t width = 80;

std::string shown_name(const Option& option) {
  if (!option.shown.empty()) return std::string(option.shown);
  std::string name;
  if (option.short_name != 0) fmt::format_to(std::back_inserter(name), "-{}/", option.short_name);
  fmt::format_to(std::back_inserter(name), "--{}", option.long_name);
  if (option.takes_value) fmt::format_to(std::back_inserter(name), " {}", option.value_name);
  return name;
}

void append_option(std::string& text, const Option& option) {
  constexpr std::string_view indent = "   ";  // each word brings one more space
  std::string line = shown_name(option) + " --";
  for (const std::string_view word : split_words(option.help)) {
    if (line.size() + 1 + word.size() >= width) {
      text += line + '\n';
      line = indent;
    }
    fmt::format_to(std::back_inserter(line), " {}", word);
  }
  text += line + '\n';
}

}  // namespace

std::string help_text(const HelpPage& page, const std::vector<Option>& options, std::string_view program) {
  std::string text = fmt::format("{}\n\nUsage: {} {}\n\nOptions:\n", page.summary, program, page.arguments);
  for (const Option& option : options) {
    if (!option.help.empty()) append_option(text, option);
  }
  if (!page.closing.empty()) fmt::format_to(std::back_inserter(text), "\n{}", page.closing);
  text += '\n';
  return text;
}

}  // namespace sup::cli
