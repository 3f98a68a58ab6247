#include "config/reader.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace sup::config {
namespace {

// Messages go to logs, where what it says must not.
bool is_secret(const OptionRow& row) { return row.name == "password" || row.name == "environment"; }

}  // namespace

std::optional<std::string> Reader::text(const OptionRow& row, const Scope& scope) {
  const auto* option = raw(row);
  if (option == nullptr) return std::nullopt;
  if (option->value.find('%') == std::string::npos) return option->value;
  return expanded(row, option->value, scope, fmt::format("{}.{}", section_.name(), row.name));
}

std::optional<std::string> Reader::expanded(const OptionRow& row, std::string_view value, const Scope& scope,
                                            std::string_view shown_as) {
  auto result = expand(value, scope, shown_as);
  if (result) return std::move(*result);
  if (is_secret(row)) {
    std::string& message = result.error().message;
    const std::string shown = python_repr(value);
    if (const auto at = message.find(shown); at != message.npos) message.replace(at, shown.size(), "'***'");
  }
  fail(row, std::move(result.error()));
  return std::nullopt;
}

void Reader::fail(const OptionRow& row, Problem problem) {
  const auto* option = raw(row);
  problem.place = option != nullptr ? option->place : section_.place();
  problem.message += suffix_;
  problems_.push_back(std::move(problem));
}

void Reader::fail_section(std::string message, std::string hint) {
  problems_.push_back({std::move(message) + suffix_, section_.place(), std::move(hint)});
}

}  // namespace sup::config
