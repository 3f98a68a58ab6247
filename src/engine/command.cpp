#include "engine/command.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "config/shell_words.h"

namespace sup::engine {
namespace {

std::unexpected<CommandError> unusable(std::string text) {
  return std::unexpected(CommandError{CommandError::Kind::not_usable, std::move(text)});
}

// The file that `word` names, or an empty string.
std::string search(std::string_view word, std::string_view path, const Files& files) {
  for (const std::string_view directory : split(path, ':')) {
    std::string candidate(directory);
    if (!candidate.empty() && candidate.back() != '/') candidate += '/';
    candidate += word;
    if (files.look(candidate)) return candidate;
  }
  return {};
}

}  // namespace

std::expected<Command, CommandError> resolve_command(std::string_view command, std::string_view path,
                                                     const Files& files) {
  auto words = config::shell_split(command);
  if (!words) return unusable(fmt::format("can't parse command {}: {}", python_repr(command), words.error()));
  if (words->empty()) return unusable("command is empty");
  Command found;
  found.argv = std::move(*words);
  const std::string& word = found.argv.front();
  found.path = word.find('/') != word.npos ? word : search(word, path, files);
  const auto kind = found.path.empty() ? std::nullopt : files.look(found.path);
  if (!kind) {
    return std::unexpected(CommandError{CommandError::Kind::not_found, fmt::format("can't find command {}", python_repr(word))});
  }
  if (kind->directory) return unusable(fmt::format("command at {} is a directory", python_repr(found.path)));
  if (!kind->executable) return unusable(fmt::format("command at {} is not executable", python_repr(found.path)));
  if (!files.may_execute(found.path)) {
    return unusable(fmt::format("no permission to run command {}", python_repr(found.path)));
  }
  return found;
}

}  // namespace sup::engine
