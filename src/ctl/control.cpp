// The commands that act on processes: start, stop, restart, signal, clear. They differ in the methods they call and in
// the faults they know.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "ctl/actions.h"
#include "ctl/commands.h"
#include "ctl/names.h"

namespace sup::ctl {
namespace {

using api::FaultCode;

struct Problem {
  FaultCode code;
  std::string_view text;  // in "NAME: ERROR (TEXT)"; empty: the fault's own text is the line
};

struct Verb {
  std::string_view all, group, process;  // methods of the API; no `group`: groups are not known
  std::string_view done;                 // in "NAME: DONE"
  std::span<const Problem> problems;
  std::optional<FaultCode> fine = {};  // a fault that is no failure
  int bad_group = exit_status::generic;
};

constexpr Problem start_problems[] = {
    {FaultCode::bad_name, "no such process"},
    {FaultCode::no_file, "no such file"},
    {FaultCode::not_executable, "file is not executable"},
    {FaultCode::already_started, "already started"},
    {FaultCode::spawn_error, "spawn error"},
    {FaultCode::abnormal_termination, "abnormal termination"},
};
constexpr Problem signal_problems[] = {
    {FaultCode::bad_name, "no such process"},
    {FaultCode::bad_signal, "bad signal name"},
    {FaultCode::not_running, "not running"},
    {FaultCode::failed, ""},
};
constexpr Problem clear_problems[] = {
    {FaultCode::bad_name, "no such process"},
    {FaultCode::failed, "failed"},
};

constexpr Verb start_verb{
    "startAllProcesses",        "startProcessGroup",           "startProcess", "started", start_problems,
    FaultCode::already_started, exit_status::invalid_arguments};
constexpr Verb stop_verb{"stopAllProcesses", "stopProcessGroup", "stopProcess",
                         "stopped",          signal_problems,    FaultCode::not_running};
constexpr Verb signal_verb{"signalAllProcesses", "signalProcessGroup", "signalProcess", "signalled", signal_problems};
constexpr Verb clear_verb{"clearAllProcessLogs", "", "clearProcessLogs", "cleared", clear_problems};

// What came of one process: a line, and the exit status.
Tried<> report(Session& session, const Verb& verb, const std::string& name, int code, std::string_view description) {
  if (code == static_cast<int>(FaultCode::success)) {
    session.say(fmt::format("{}: {}", name, verb.done));
    return {};
  }
  const auto problem = std::ranges::find(verb.problems, static_cast<FaultCode>(code), &Problem::code);
  if (problem == verb.problems.end()) {
    return failed("ValueError", fmt::format("Unknown result code {} for {}", code, name));
  }
  session.say(problem->text.empty() ? std::string(description) : fmt::format("{}: ERROR ({})", name, problem->text));
  session.set_status_from(code, verb.fine);
  return {};
}

Tried<> report_each(Session& session, const Verb& verb, const api::Value& results) {
  for (const api::Value& result : elements(results)) {
    const std::string name = make_namespec(text_of(result, "group"), text_of(result, "name"));
    const auto reported =
        report(session, verb, name, static_cast<int>(number_of(result, "status")), text_of(result, "description"));
    if (!reported) return reported;
  }
  return {};
}

// The parameters of a call: what is meant, then what the verb adds (the signal).
std::vector<api::Value> parameters(const std::string& name, const std::vector<api::Value>& extra) {
  std::vector<api::Value> params{name};
  params.insert(params.end(), extra.begin(), extra.end());
  return params;
}

Tried<> act_on_group(Session& session, const Verb& verb, const std::string& group,
                     const std::vector<api::Value>& extra) {
  const auto results = session.call(verb.group, parameters(group, extra));
  if (results) return report_each(session, verb, *results);
  if (!results.error().is(FaultCode::bad_name)) return std::unexpected(results.error());
  session.say(fmt::format("{}: ERROR (no such group)", group));
  session.set_status(verb.bad_group);
  return {};
}

Tried<> act_on(Session& session, const Verb& verb, const std::string& typed, const std::vector<api::Value>& extra) {
  const Namespec name = split_namespec(typed);
  if (!name.process && !verb.group.empty()) return act_on_group(session, verb, name.group, extra);
  const auto done = session.call(verb.process, parameters(typed, extra));
  if (done) return report(session, verb, make_namespec(name), static_cast<int>(FaultCode::success), "");
  if (done.error().kind != Failure::Kind::fault) return std::unexpected(done.error());
  return report(session, verb, make_namespec(name), done.error().code, done.error().text);
}

Tried<> act(Session& session, const Verb& verb, const std::vector<std::string>& names,
            const std::vector<api::Value>& extra = {}) {
  if (names_all(names)) {
    const auto results = session.call(verb.all, extra);
    if (!results) return std::unexpected(results.error());
    return report_each(session, verb, *results);
  }
  for (const std::string& name : names)
    if (const auto done = act_on(session, verb, name, extra); !done) return done;
  return {};
}

}  // namespace

Tried<> start(Session& session, std::string_view arguments) {
  const auto names = words(arguments);
  if (names.empty()) {
    refuse_usage(session, "start", "Error: start requires a process name", exit_status::invalid_arguments);
    return {};
  }
  return act(session, start_verb, names);
}

Tried<> stop(Session& session, std::string_view arguments) {
  const auto names = words(arguments);
  if (names.empty()) {
    refuse_usage(session, "stop", "Error: stop requires a process name");
    return {};
  }
  return act(session, stop_verb, names);
}

Tried<> restart(Session& session, std::string_view arguments) {
  if (words(arguments).empty()) {
    refuse_usage(session, "restart", "Error: restart requires a process name");
    return {};
  }
  if (const auto stopped = perform(session, *find_command("stop"), arguments); !stopped) return stopped;
  return perform(session, *find_command("start"), arguments);
}

Tried<> signal(Session& session, std::string_view arguments) {
  auto names = words(arguments);
  if (names.size() < 2) {
    refuse_usage(session, "signal", "Error: signal requires a signal name and a process name");
    return {};
  }
  const std::string signal_name = names.front();
  names.erase(names.begin());
  return act(session, signal_verb, names, {signal_name});
}

Tried<> clear(Session& session, std::string_view arguments) {
  const auto names = words(arguments);
  if (names.empty()) {
    refuse_usage(session, "clear", "Error: clear requires a process name");
    return {};
  }
  return act(session, clear_verb, names);
}

}  // namespace sup::ctl
