#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace sup::cli {
namespace {

using Arguments = std::vector<std::string>;
template <class T>
using Parse = std::expected<T, std::string>;

template <class... Args>
std::unexpected<std::string> mistake(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(fmt::format(format, std::forward<Args>(args)...));
}

// The first character of non-empty UTF-8 text, for messages.
std::string_view first_character(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    ++length;
  return text.substr(0, length);
}

Parse<const Option*> find_long(std::string_view name, const std::vector<Option>& options) {
  const Option* match = nullptr;
  int matches = 0;
  for (const Option& option : options) {
    if (option.long_name.empty()) continue;
    if (option.long_name == name) return &option;
    if (option.exact_only || !option.long_name.starts_with(name)) continue;
    match = &option;
    ++matches;
  }
  if (matches == 0) return mistake("option --{} not recognized", name);
  if (matches > 1) return mistake("option --{} not a unique prefix", name);
  return match;
}

// Parses arguments[next], which starts with "--", and moves `next` behind what it used.
Parse<Given> parse_long(const Arguments& arguments, std::size_t& next, const std::vector<Option>& options) {
  std::string_view name = std::string_view(arguments[next++]).substr(2);
  std::optional<std::string_view> value;
  if (const auto equals = name.find('='); equals != name.npos) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  const auto option = find_long(name, options);
  if (!option) return std::unexpected(option.error());
  const std::string_view full = (*option)->long_name;
  if (!(*option)->takes_value && value) return mistake("option --{} must not have an argument", full);
  if ((*option)->takes_value && !value) {
    if (next == arguments.size()) return mistake("option --{} requires argument", full);
    value = arguments[next++];
  }
  return Given{*option, std::string(value.value_or("")), fmt::format("--{}", full)};
}

// Parses arguments[next], a bundle like "-nkl/path", and moves `next` behind what it used.
Parse<void> parse_short(const Arguments& arguments, std::size_t& next, const std::vector<Option>& options,
                        Parsed& parsed) {
  std::string_view bundle = std::string_view(arguments[next++]).substr(1);
  while (!bundle.empty()) {
    const std::string_view name = first_character(bundle);
    const auto option = std::ranges::find_if(
        options, [&](const Option& o) { return o.short_name != 0 && name == std::string_view(&o.short_name, 1); });
    if (option == options.end()) return mistake("option -{} not recognized", name);
    bundle.remove_prefix(name.size());
    std::string value;
    if (option->takes_value) {
      if (bundle.empty() && next == arguments.size()) return mistake("option -{} requires argument", name);
      value = bundle.empty() ? arguments[next++] : std::string(bundle);
      bundle = {};
    }
    parsed.given.push_back({&*option, std::move(value), fmt::format("-{}", name)});
  }
  return {};
}

}  // namespace

const std::string* Parsed::value(std::string_view long_name) const {
  for (const Given& one : given)
    if (one.option->long_name == long_name) return &one.value;
  return nullptr;
}

Parse<Parsed> parse(const Arguments& arguments, const std::vector<Option>& options) {
  Parsed parsed;
  std::size_t next = 0;
  while (next < arguments.size() && arguments[next].starts_with('-') && arguments[next] != "-") {
    if (arguments[next] == "--") {
      ++next;
      break;
    }
    if (arguments[next].starts_with("--")) {
      auto given = parse_long(arguments, next, options);
      if (!given) return std::unexpected(given.error());
      parsed.given.push_back(std::move(*given));
    } else if (const auto bundle = parse_short(arguments, next, options, parsed); !bundle) {
      return std::unexpected(bundle.error());
    }
  }
  parsed.words.assign(arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end());
  return parsed;
}

Parse<void> take_each(const Parsed& parsed, const std::function<Parse<Next>(const Given&)>& take) {
  std::vector<const Option*> seen;
  for (const Given& given : parsed.given) {
    const auto next = take(given);
    if (!next) {
      return mistake("invalid value for {} {}: {}", given.spelled, python_repr(given.value), next.error());
    }
    if (*next == Next::stop) return {};
    if (given.option->repeatable) continue;
    if (std::ranges::find(seen, given.option) != seen.end()) {
      return mistake("conflicting command line option '{}'", given.spelled);
    }
    seen.push_back(given.option);
  }
  return {};
}

std::string unexpected_words(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words)
    quoted.push_back(python_repr(word));
  return fmt::format("positional arguments are not supported: [{}]", join(quoted, ", "));
}

std::string usage_error(std::string_view message, std::string_view program) {
  return fmt::format("Error: {}\nFor help, use {} -h\n", message, program);
}

}  // namespace sup::cli
