#include "base/signals.h"

#include <fmt/format.h>

#include <array>

namespace sup {
namespace {

struct Named {
  std::string_view name;
  int number;
};

// Of two names for one number the first is the one to show.
constexpr std::array<Named, 36> table{{
    {"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ILL", 4},     {"TRAP", 5},    {"ABRT", 6},
    {"IOT", 6},   {"BUS", 7},   {"FPE", 8},   {"KILL", 9},    {"USR1", 10},   {"SEGV", 11},
    {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15},   {"STKFLT", 16}, {"CHLD", 17},
    {"CLD", 17},  {"CONT", 18}, {"STOP", 19}, {"TSTP", 20},   {"TTIN", 21},   {"TTOU", 22},
    {"URG", 23},  {"XCPU", 24}, {"XFSZ", 25}, {"VTALRM", 26}, {"PROF", 27},   {"WINCH", 28},
    {"POLL", 29}, {"IO", 29},   {"PWR", 30},  {"SYS", 31},    {"RTMIN", 34},  {"RTMAX", 64},
}};

}  // namespace

bool is_signal(long long number) noexcept {
  for (const auto& entry : table)
    if (entry.number == number) return true;
  return false;
}

std::optional<int> signal_named(std::string_view name) noexcept {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const auto& entry : table)
    if (entry.name == name) return entry.number;
  return std::nullopt;
}

std::string signal_name(int number) {
  for (const auto& entry : table)
    if (entry.number == number) return fmt::format("SIG{}", entry.name);
  return fmt::format("signal {}", number);
}

}  // namespace sup
