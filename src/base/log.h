// The daemon's own log, as code that has something to say sees it. The sink is in logs/main_log.h.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace sup {

// Supervisor's levels and their numbers; a message is written if its level is at least the configured one.
enum class Level : std::uint8_t { blather = 3, trace = 5, debug = 10, info = 20, warn = 30, error = 40, critical = 50 };

class Log {
 public:
  virtual ~Log() = default;
  // `message` without trailing newline; it may hold newlines.
  virtual void write(Level level, std::string_view message) = 0;
  [[nodiscard]] virtual bool wants(Level level) const = 0;

  template <class... Args>
  void operator()(Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (wants(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
  }
};

}  // namespace sup
