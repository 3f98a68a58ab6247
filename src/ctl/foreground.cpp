// The command fg: what the process writes is shown while lines that are typed go to its standard input.
#include <fmt/format.h>

#include <memory>

#include "ctl/actions.h"
#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/names.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using Kind = Terminal::Input::Kind;

constexpr std::int64_t running = 20;
// How long nothing is typed before we look whether the process still runs. Not at once after a line: its last words
// would come too late to be shown.
constexpr std::chrono::milliseconds look_again{1000};

void refuse(Session& session, std::string_view line) {
  session.say(line);
  session.set_status(exit_status::generic);
}

std::unique_ptr<Following> follow_channel(Session& session, const std::string& name, std::string_view channel) {
  Terminal& terminal = session.terminal();
  const std::string path = fmt::format("/logtail/{}/{}", name, channel);
  return session.remote().follow(
      path,
      [&terminal](std::string_view piece) {
        terminal.write_now(piece);
        return true;
      },
      [&terminal, path, url = session.server().url](const Failure& failure) {
        terminal.complain(stream_problem(url, path, failure));
      });
}

// Whether the process still runs; if not, that has been said.
Tried<bool> still_runs(Session& session, const std::string& name) {
  const auto info = session.call("getProcessInfo", {name});
  if (!info) return std::unexpected(info.error());
  if (number_of(*info, "state") == running) return true;
  session.say("Process got killed");
  return false;
}

// Whether the process took the line; if not, that has been said.
Tried<bool> takes(Session& session, const std::string& name, const std::string& line) {
  const auto sent = session.call("sendProcessStdin", {name, line + "\n"});
  if (sent) return true;
  if (sent.error().kind != Failure::Kind::fault) return std::unexpected(sent.error());
  if (sent.error().is(FaultCode::not_running)) {
    session.say("Process got killed");
  } else {
    session.say(fmt::format("ERROR: {}", failure_message(sent.error())));
  }
  return false;
}

// Until the person or the process ends it.
Tried<> converse(Session& session, const std::string& name) {
  const Interrupts interrupts(session.terminal());
  const auto out = follow_channel(session, name, "stdout");
  const auto err = follow_channel(session, name, "stderr");
  for (;;) {
    session.terminal().flush();
    const Terminal::Input input = session.terminal().wait_for_line(look_again);
    if (input.kind == Kind::end || input.kind == Kind::interrupt) break;
    if (input.kind == Kind::line) {
      const auto taken = takes(session, name, input.line);
      if (!taken) return std::unexpected(taken.error());
      if (!*taken) break;
    } else {
      const auto alive = still_runs(session, name);
      if (!alive) return std::unexpected(alive.error());
      if (!*alive) break;
    }
  }
  session.say("Exiting foreground");
  return {};
}

}  // namespace

Tried<> foreground(Session& session, std::string_view arguments) {
  const auto names = words(arguments);
  if (names.empty()) {
    refuse_usage(session, "fg", "ERROR: no process name supplied");
    return {};
  }
  if (names.size() > 1) {
    refuse(session, "ERROR: too many process names supplied");
    return {};
  }
  const auto info = session.call("getProcessInfo", {names[0]});
  if (!info) {
    if (info.error().kind != Failure::Kind::fault) return std::unexpected(info.error());
    if (info.error().is(FaultCode::bad_name)) {
      refuse(session, "ERROR: bad process name supplied");
    } else {
      session.say(fmt::format("ERROR: {}", failure_message(info.error())));
    }
    return {};
  }
  if (number_of(*info, "state") != running) {
    refuse(session, "ERROR: process not running");
    return {};
  }
  session.say("==> Press Ctrl-C to exit <==");
  session.terminal().flush();
  return converse(session, names[0]);
}

}  // namespace sup::ctl
