#include "daemon/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

namespace sup::daemon {
namespace {

void print(FILE* stream, const std::string& text) { std::fwrite(text.data(), 1, text.size(), stream); }

// "FILE:LINE: KIND: MESSAGE", as compilers print it, so that editors can jump there.
std::string format_problem(const config::Problem& problem, const char* kind) {
  std::string out;
  if (problem.place.file) {
    out += *problem.place.file;
    if (problem.place.line > 0) out += fmt::format(":{}", problem.place.line);
    out += ": ";
  }
  out += fmt::format("{}: {}\n", kind, problem.message);
  if (!problem.hint.empty()) out += fmt::format("  hint: {}\n", problem.hint);
  return out;
}

}  // namespace

int check(const std::string& path, const config::Host& host, const config::DaemonOverrides& overrides) {
  const auto config = config::load(path, host, overrides, true);
  std::size_t errors = 0;
  if (!config) {
    for (const config::Problem& problem : config.error()) print(stderr, format_problem(problem, "error"));
    errors = config.error().size();
  }
  const auto unknown = config::unknown_names(path, host);
  for (const config::Problem& problem : unknown) print(stderr, format_problem(problem, "warning"));
  if (config) {
    for (const config::Notice& notice : config->notices) {
      if (notice.level >= Level::warn) print(stderr, fmt::format("warning: {}\n", notice.text));
    }
  }
  if (errors > 0) {
    print(stderr, fmt::format("{}: {} error{}, not usable\n", path, errors, errors == 1 ? "" : "s"));
    return 2;
  }
  std::size_t processes = 0;
  for (const auto& group : config->groups) processes += group->processes.size();
  print(stdout, fmt::format("{}: ok, {} groups, {} processes\n", path, config->groups.size(), processes));
  return 0;
}

}  // namespace sup::daemon
