// The commands that act on the daemon as a whole: shutdown, reload, open.
#include <fmt/format.h>

#include <cerrno>

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
