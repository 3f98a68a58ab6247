#include "ctl/shell.h"

#include <fmt/format.h>

#include <optional>

#include "base/strings.h"
#include "ctl/commands.h"

namespace sup::ctl {
namespace {

constexpr int unauthorized = 401;

bool is_command_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool wants_credentials(const Tried<>& result) {
  return !result && result.error().kind == Failure::Kind::status && result.error().code == unauthorized;
}

// Asks who the person is and tells the server from now on.
Tried<> ask_for_credentials(Session& session) {
  const auto username = session.ask("Username:");
  if (!username) return std::unexpected(username.error());
  const auto password = session.ask_secretly("Password:");
  if (!password) return std::unexpected(password.error());
  session.say("");
  session.use({session.server().url, *username, *password});
  return {};
}

// Runs a command, asking for credentials as often as the server wants other ones. Where nobody can be asked it is run
// once more, whose failure is shown as any other's.
Tried<> perform_with_credentials(Session& session, const Command& command, std::string_view arguments) {
  auto result = perform(session, command, arguments);
  while (wants_credentials(result)) {
    session.say("Server requires authentication");
    if (!session.interactive()) {
      session.set_status(exit_status::generic);
      return perform(session, command, arguments);
    }
    if (const auto asked = ask_for_credentials(session); !asked) return asked;
    result = perform(session, command, arguments);
  }
  return result;
}

}  // namespace

Line parse_line(std::string_view text) {
  Line line{{}, {}, std::string(trim(text))};
  if (line.text.starts_with('?')) line.text = "help " + line.text.substr(1);
  std::size_t end = 0;
  while (end < line.text.size() && is_command_character(line.text[end]))
    ++end;
  line.command = line.text.substr(0, end);
  line.arguments = trim(std::string_view(line.text).substr(end));
  return line;
}

void execute(Session& session, std::string_view text) {
  const Line line = parse_line(text);
  if (line.text.empty()) return;
  const Command* command = find_command(line.command);
  if (!command) {
    session.say(fmt::format("*** Unknown syntax: {}", line.text));
    session.set_status(exit_status::generic);
    session.terminal().flush();
    return;
  }
  session.reconnect();  // the server may have closed a connection that was idle while the person was thinking
  if (const auto result = perform_with_credentials(session, *command, line.arguments); !result) {
    session.say(describe(result.error()));
    session.set_status(exit_status::generic);
  }
  session.terminal().flush();
}

void run_shell(Session& session, const std::string& prompt, const std::function<void()>& before_each) {
  std::optional<std::string> line = "status";
  while (!session.leaving()) {
    before_each();
    execute(session, line.value_or("EOF"));
    if (!session.leaving()) line = session.terminal().read_command(prompt);
  }
}

}  // namespace sup::ctl
