// The commands that act on the daemon as a whole: shutdown, reload, upgrade, open.
#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/strings.h"
#include "ctl/actions.h"
#include "ctl/commands.h"
#include "ctl/url.h"

namespace sup::ctl {
namespace {

using api::FaultCode;

// True when nobody is there to be asked, or the answer begins with a y.
Tried<bool> confirmed(Session& session, const std::string& question) {
  if (!session.interactive()) return true;
  const auto answer = session.ask(question);
  if (!answer) return std::unexpected(answer.error());
  return answer->starts_with('y') || answer->starts_with('Y');
}

std::optional<std::string> upgrade_problem(const Failure& failure) {
  constexpr std::string_view name = "FAILED: ";
  if (failure.is(FaultCode::unknown_method)) return "the running supervisord knows no upgrade";
  if (failure.is(FaultCode::shutdown_state)) return "already shutting down";
  if (!failure.is(FaultCode::failed)) return std::nullopt;
  return failure.text.starts_with(name) ? failure.text.substr(name.size()) : failure.text;
}

}  // namespace

Tried<> shutdown(Session& session, std::string_view arguments) {
  if (!arguments.empty()) {
    refuse_usage(session, "shutdown", "Error: shutdown accepts no arguments");
    return {};
  }
  const auto really = confirmed(session, "Really shut the remote supervisord process down y/N? ");
  if (!really) return std::unexpected(really.error());
  if (!*really) return {};
  const auto done = session.call("shutdown");
  if (done) {
    session.say("Shut down");
  } else if (done.error().is(FaultCode::shutdown_state)) {
    session.say("ERROR: already shutting down");
  } else if (done.error().is_errno(ECONNREFUSED)) {
    session.say(fmt::format("ERROR: {} refused connection (already shut down?)", session.server().url));
    session.set_status(exit_status::generic);
  } else if (done.error().is_errno(ENOENT)) {
    session.say(fmt::format("ERROR: {} no such file (already shut down?)", session.server().url));
    session.set_status(exit_status::generic);
  } else {
    return std::unexpected(done.error());
  }
  return {};
}

Tried<> reload(Session& session, std::string_view arguments) {
  if (!arguments.empty()) {
    refuse_usage(session, "reload", "Error: reload accepts no arguments");
    return {};
  }
  const auto really = confirmed(session, "Really restart the remote supervisord process y/N? ");
  if (!really) return std::unexpected(really.error());
  if (!*really) return {};
  const auto done = session.call("restart");
  if (done) {
    session.say("Restarted supervisord");
  } else if (done.error().is(FaultCode::shutdown_state)) {
    session.say("ERROR: already shutting down");
    session.set_status(exit_status::generic);
  } else {
    return std::unexpected(done.error());
  }
  return {};
}

Tried<> upgrade(Session& session, std::string_view arguments) {
  const bool keeper_too = arguments == "--keeper";
  if (!keeper_too && !arguments.empty()) {
    refuse_usage(session, "upgrade", "Error: upgrade accepts no arguments but --keeper");
    return {};
  }
  const auto version = session.call("upgrade", {keeper_too});
  if (!version) {
    const auto problem = upgrade_problem(version.error());
    if (!problem) return std::unexpected(version.error());
    session.say("ERROR: " + *problem);
    session.set_status(exit_status::generic);
    return {};
  }
  // From now on only the successor answers.
  session.reconnect();
  if (const auto answers = session.call("getState"); !answers) return std::unexpected(answers.error());
  session.say(fmt::format("Upgraded supervisord to {}", shown(*version)));
  return {};
}

Tried<> open(Session& session, std::string_view arguments) {
  const auto parts = split_url(arguments);
  if (!parts) return failed("ValueError", parts.error());
  if (parts->scheme != "unix" && parts->scheme != "http") {
    session.say("ERROR: url must be http:// or unix://");
    session.set_status(exit_status::generic);
    return {};
  }
  Server server = session.server();
  server.url = arguments;
  session.use(std::move(server));
  const int before = session.status();
  const auto shown = status(session, "");
  if (shown) session.set_status(before);
  return shown;
}

}  // namespace sup::ctl
