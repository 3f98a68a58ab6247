// From a `command=` line to something that execve(2) takes, with Supervisor's checks and texts.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "engine/files.h"

namespace sup::engine {

struct Command {
  std::string path;
  std::vector<std::string> argv;
};

struct CommandError {
  enum class Kind : std::uint8_t { not_found, not_usable };
  Kind kind = Kind::not_usable;
  std::string text;  // "can't find command 'x'"
};

// Where Supervisor looks when its own PATH is empty or not set.
inline constexpr std::string_view default_path = "/bin:/usr/bin:/usr/local/bin";

// A word with a slash is used as it is; any other is looked up in `path` (a PATH variable), where the first name that
// exists wins, executable or not.
[[nodiscard]] std::expected<Command, CommandError> resolve_command(std::string_view command, std::string_view path,
                                                                   const Files& files);

}  // namespace sup::engine
