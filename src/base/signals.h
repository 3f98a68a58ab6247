// Signal names and numbers of Linux. The names are those of Python's signal module, which Supervisor's files,
// messages and clients use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sup {

// Whether the number is one that Supervisor accepts for a signal: 1 to 31, SIGRTMIN (34) and SIGRTMAX (64).
[[nodiscard]] bool is_signal(long long number) noexcept;

// The number of "SIGTERM" or "TERM", upper case; nullopt for unknown names.
[[nodiscard]] std::optional<int> signal_named(std::string_view name) noexcept;

// "SIGTERM"; "signal 50" for a number without a name.
[[nodiscard]] std::string signal_name(int number);

}  // namespace sup
