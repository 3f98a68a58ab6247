// The commands that show logs: tail, maintail. fg is in foreground.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/strings.h"
#include "ctl/actions.h"
#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/names.h"

namespace sup::ctl {
namespace {

using api::FaultCode;

constexpr long long default_bytes = 1600;

void refuse(Session& session, std::string_view line) {
  session.say(line);
  session.set_status(exit_status::generic);
}

// The -N or -f in front of a name.
struct Extent {
  bool follow = false;
  long long bytes = default_bytes;
};

std::optional<Extent> parse_extent(std::string_view modifier) {
  if (modifier == "-f") return Extent{.follow = true};
  constexpr long long most = std::numeric_limits<long long>::max();
  if (const auto bytes = to_int(modifier.substr(1))) return Extent{.bytes = std::max(*bytes, -most)};
  const auto digits = whole_number(modifier.substr(1));  // beyond any log
  if (digits) return Extent{.bytes = digits->starts_with('-') ? -most : most};
  return std::nullopt;
}

// Says the text, or what is wrong with the log of `name`.
Tried<> show(Session& session, const Tried<api::Value>& text, std::string_view name, bool names_a_process) {
  if (text) {
    session.say(shown(*text));
    return {};
  }
  if (text.error().is(FaultCode::no_file)) {
    refuse(session, fmt::format("{}: ERROR (no log file)", name));
  } else if (text.error().is(FaultCode::failed)) {
    refuse(session, fmt::format("{}: ERROR (unknown error reading log)", name));
  } else if (names_a_process && text.error().is(FaultCode::bad_name)) {
    refuse(session, fmt::format("{}: ERROR (no such process name)", name));
  } else {
    return std::unexpected(text.error());
  }
  return {};
}

}  // namespace

Tried<> tail(Session& session, std::string_view arguments) {
  auto args = words(arguments);
  if (args.empty() || args.size() > 3) {
    refuse_usage(session, "tail", args.empty() ? "Error: too few arguments" : "Error: too many arguments");
    return {};
  }
  std::string modifier;
  if (args.front().starts_with('-')) {
    modifier = args.front();
    args.erase(args.begin());
  }
  if (args.empty()) {
    refuse(session, "Error: tail requires process name");
    return {};
  }
  const std::string name = args.front();
  const std::string channel = args.size() == 1 ? "stdout" : lower(args.back());
  if (channel != "stdout" && channel != "stderr") {
    refuse(session, fmt::format("Error: bad channel {}", python_repr(channel)));
    return {};
  }
  const auto extent = modifier.empty() ? Extent{} : parse_extent(modifier);
  if (!extent) {
    refuse(session, fmt::format("Error: bad argument {}", modifier));
    return {};
  }
  if (extent->follow) return follow_log(session, fmt::format("/logtail/{}/{}", name, channel));
  const auto* method = channel == "stdout" ? "readProcessStdoutLog" : "readProcessStderrLog";
  return show(session, session.call(method, {name, std::int64_t{-extent->bytes}, 0}), name, true);
}

Tried<> maintail(Session& session, std::string_view arguments) {
  const auto args = words(arguments);
  if (args.size() > 1) {
    refuse_usage(session, "maintail", "Error: too many arguments");
    return {};
  }
  auto extent = std::optional(Extent{});
  if (!args.empty()) extent = args[0].starts_with('-') ? parse_extent(args[0]) : std::nullopt;
  if (!extent) {
    refuse(session, fmt::format("Error: bad argument {}", args[0]));
    return {};
  }
  if (extent->follow) return follow_log(session, "/mainlogtail");
  return show(session, session.call("readLog", {std::int64_t{-extent->bytes}, 0}), "supervisord", false);
}

}  // namespace sup::ctl
