#include <sys/wait.h>

#include <fmt/format.h>

#include "engine/engine.h"

namespace sup::engine {

std::string describe_status(int status) {
  if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) {
    return fmt::format("terminated by {}{}", signal_name(WTERMSIG(status)), WCOREDUMP(status) ? " (core dumped)" : "");
  }
  if (status == keeper::status_unknown) return "exit status unknown";
  return fmt::format("unknown termination cause 0x{:04x}", status);
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

}  // namespace sup::engine
