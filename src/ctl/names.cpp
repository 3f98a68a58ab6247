#include "ctl/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace sup::ctl {

Namespec split_namespec(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos) return {std::string(text), std::string(text)};
  const std::string_view process = text.substr(colon + 1);
  Namespec name{std::string(text.substr(0, colon)), {}};
  if (!process.empty() && process != "*") name.process = process;
  return name;
}

std::string make_namespec(std::string_view group, std::string_view process) {
  return group == process ? std::string(process) : fmt::format("{}:{}", group, process);
}

std::string make_namespec(const Namespec& name) {
  return make_namespec(name.group, name.process.value_or("None"));
}

bool names_all(const std::vector<std::string>& names) {
  return std::ranges::find(names, "all") != names.end();
}

std::vector<std::string> words(std::string_view arguments) {
  const auto pieces = split_words(arguments);
  return {pieces.begin(), pieces.end()};
}

}  // namespace sup::ctl
