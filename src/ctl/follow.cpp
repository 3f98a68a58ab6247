#include "ctl/follow.h"

#include <fmt/format.h>

namespace sup::ctl {

std::string stream_problem(const std::string& server_url, const std::string& path, const Failure& failure) {
  if (failure.kind == Failure::Kind::status) {
    return fmt::format("{}{} Cannot read, status code {}\n", server_url, path, failure.code);
  }
  return fmt::format("{}{} Cannot connect, error: {} ({})\n", server_url, path, failure_class(failure),
                     failure_message(failure));
}

Tried<> follow_log(Session& session, const std::string& path) {
  session.say("==> Press Ctrl-C to exit <==");
  Terminal& terminal = session.terminal();
  terminal.flush();
  const Interrupts interrupts(terminal);
  const auto end = session.remote().stream(
      path,
      [&](std::string_view piece) {
        terminal.write_now(piece);
        return true;
      },
      interrupts.descriptor());
  if (!end) {
    terminal.complain(stream_problem(session.server().url, path, end.error()));
  } else if (terminal.interrupted()) {
    session.say("");
  }
  return {};
}

}  // namespace sup::ctl
