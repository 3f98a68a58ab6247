// The commands that look: status, pid, avail, version.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "ctl/actions.h"
#include "ctl/commands.h"
#include "ctl/format.h"
#include "ctl/names.h"

namespace sup::ctl {
namespace {

using Infos = std::vector<const api::Value*>;

// STOPPED, EXITED, FATAL and UNKNOWN: what the exit status calls not running.
bool is_down(std::int64_t state) {
  return state == 0 || state == 100 || state == 200 || state == 1000;
}

void show_table(Session& session, const Infos& infos) {
  std::vector<std::string> names;
  std::size_t widest = 30;
  for (const api::Value* info : infos) {
    names.push_back(make_namespec(text_of(*info, "group"), text_of(*info, "name")));
    widest = std::max(widest, utf8_length(names.back()));
  }
  for (std::size_t i = 0; i < infos.size(); ++i) {
    session.say(padded(names[i], widest + 3) + padded(text_of(*infos[i], "statename"), 10) +
                std::string(text_of(*infos[i], "description")));
  }
}

// Appends the processes of `all` that `name` means; says so when there are none.
void select(Session& session, const api::Array& all, const std::string& name, Infos& selected) {
  const Namespec wanted = split_namespec(name);
  const std::size_t before = selected.size();
  for (const api::Value& info : all) {
    if (text_of(info, "group") != wanted.group) continue;
    if (wanted.process && text_of(info, "name") != *wanted.process) continue;
    selected.push_back(&info);
  }
  if (selected.size() != before) return;
  if (wanted.process) {
    session.say(fmt::format("{}: ERROR (no such process)", name));
  } else {
    session.say(fmt::format("{}: ERROR (no such group)", wanted.group));
  }
  session.set_status(exit_status::status_unknown);
}

Tried<> show_pid_of(Session& session, const std::string& name) {
  const auto info = session.call("getProcessInfo", {name});
  if (info) {
    const std::int64_t pid = number_of(*info, "pid");
    session.say(fmt::format("{}", pid));
    if (pid == 0) session.set_status(exit_status::not_running);
    return {};
  }
  if (!info.error().is(api::FaultCode::bad_name)) return std::unexpected(info.error());
  session.say(fmt::format("No such process {}", name));
  session.set_status(exit_status::generic);
  return {};
}

}  // namespace

Tried<> status(Session& session, std::string_view arguments) {
  const auto answers = session.daemon_answers();
  if (!answers) return std::unexpected(answers.error());
  if (!*answers) {
    session.set_status(exit_status::status_unknown);
    return {};
  }
  const auto all = session.call("getAllProcessInfo");
  if (!all) return std::unexpected(all.error());
  Infos selected;
  const std::vector<std::string> names = words(arguments);
  if (names.empty() || names_all(names)) {
    for (const api::Value& info : elements(*all))
      selected.push_back(&info);
  } else {
    for (const std::string& name : names)
      select(session, elements(*all), name, selected);
  }
  show_table(session, selected);
  const auto down = [](const api::Value* info) { return is_down(number_of(*info, "state")); };
  if (std::ranges::any_of(selected, down)) session.set_status(exit_status::status_not_running);
  return {};
}

Tried<> pid(Session& session, std::string_view arguments) {
  const std::vector<std::string> names = words(arguments);
  if (names.empty()) {
    const auto own = session.call("getPID");
    if (!own) return std::unexpected(own.error());
    session.say(shown(*own));
    return {};
  }
  if (names_all(names)) {
    const auto all = session.call("getAllProcessInfo");
    if (!all) return std::unexpected(all.error());
    for (const api::Value& info : elements(*all))
      session.say(fmt::format("{}", number_of(info, "pid")));
    return {};
  }
  for (const std::string& name : names)
    if (const auto shown_pid = show_pid_of(session, name); !shown_pid) return shown_pid;
  return {};
}

Tried<> avail(Session& session, std::string_view arguments) {
  if (!arguments.empty()) {
    refuse_usage(session, "avail", "Error: avail accepts no arguments");
    return {};
  }
  const auto infos = session.call("getAllConfigInfo");
  if (!infos) {
    if (!infos.error().is(api::FaultCode::shutdown_state)) return std::unexpected(infos.error());
    session.say("ERROR: supervisor shutting down");
    session.set_status(exit_status::generic);
    return {};
  }
  for (const api::Value& info : elements(*infos)) {
    session.say(fmt::format("{} {} {} {}:{}", padded(make_namespec(text_of(info, "group"), text_of(info, "name")), 32),
                            padded(truth_of(info, "inuse") ? "in use" : "avail", 9),
                            padded(truth_of(info, "autostart") ? "auto" : "manual", 9), number_of(info, "group_prio"),
                            number_of(info, "process_prio")));
  }
  return {};
}

Tried<> version(Session& session, std::string_view arguments) {
  if (!arguments.empty()) {
    refuse_usage(session, "version", "Error: version accepts no arguments");
    return {};
  }
  const auto answers = session.daemon_answers();
  if (!answers) return std::unexpected(answers.error());
  if (!*answers) return {};
  const auto version = session.call("getSupervisorVersion");
  if (!version) return std::unexpected(version.error());
  session.say(shown(*version));
  return {};
}

}  // namespace sup::ctl
