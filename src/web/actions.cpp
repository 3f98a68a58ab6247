#include "web/actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <utility>

namespace sup::web {
namespace {

using api::FaultCode;
using api::Value;

constexpr std::array about_one{"start", "stop", "restart", "clearlog"};
constexpr std::array about_all{"stopall", "restartall"};

bool is_among(const auto& names, std::string_view action) { return std::ranges::find(names, action) != names.end(); }

std::string unexpected_fault(int code, std::string_view text) {
  return fmt::format("unexpected rpc fault [{}] {}", code, text);
}
std::string unexpected_fault(const api::Fault& fault) {
  return unexpected_fault(static_cast<int>(fault.code), fault.text);
}

std::string why_not_started(const api::Fault& fault) {
  if (fault.code == FaultCode::no_file) return "no such file";
  if (fault.code == FaultCode::not_executable) return "file not executable";
  if (fault.code == FaultCode::already_started) return "already started";
  if (fault.code == FaultCode::spawn_error) return "spawn error";
  if (fault.code == FaultCode::abnormal_termination) return "abnormal termination";
  return unexpected_fault(fault);
}

// Whether the calls of a multicall were made at all: Supervisor's page does not look at how they came out.
std::string why_not_called(const api::Answer<Value>& answer) {
  if (!answer) return unexpected_fault(answer.error());
  const api::Array* results = answer->array();
  if (results == nullptr) return {};
  for (const Value& result : *results) {
    const Value* code = result.find("faultCode");
    const Value* text = result.find("faultString");
    if (code == nullptr || text == nullptr || code->integer() == nullptr || text->string() == nullptr) continue;
    const auto number = static_cast<int>(*code->integer());
    if (number == static_cast<int>(FaultCode::unknown_method) || number == static_cast<int>(FaultCode::shutdown_state)) {
      return unexpected_fault(number, *text->string());
    }
  }
  return {};
}

Value call_of(const char* method, api::Array params) {
  return api::Struct{{"methodName", method}, {"params", std::move(params)}};
}

// One operation about one process; `words` turns its answer into the sentence.
void call_one(const Subject& subject, std::string_view operation, const std::string& process, Tell tell,
              std::string (*words)(const std::string& process, const api::Answer<Value>& answer)) {
  const std::array args{Value(process)};
  subject.operations.call(operation, args,
                          [process, words, tell = std::move(tell)](api::Answer<Value> answer) mutable {
                            tell(words(process, answer));
                          });
}

std::string started(const std::string& process, const api::Answer<Value>& answer) {
  if (!answer) return fmt::format("ERROR: Process {}: {}", process, why_not_started(answer.error()));
  return fmt::format("Process {} started", process);
}
std::string stopped(const std::string& process, const api::Answer<Value>& answer) {
  return answer ? fmt::format("Process {} stopped", process) : unexpected_fault(answer.error());
}
std::string cleared(const std::string& process, const api::Answer<Value>& answer) {
  return answer ? fmt::format("Log for {} cleared", process) : unexpected_fault(answer.error());
}

void restart(const Subject& subject, const std::string& process, Tell tell) {
  const std::array args{Value(
      api::Array{call_of("supervisor.stopProcess", {process}), call_of("supervisor.startProcess", {process})})};
  subject.operations.call("system.multicall", args,
                          [process, tell = std::move(tell)](api::Answer<Value> answer) mutable {
                            std::string trouble = why_not_called(answer);
                            tell(trouble.empty() ? fmt::format("Process {} restarted", process) : std::move(trouble));
                          });
}

void all(const Subject& subject, bool again, Tell tell) {
  api::Array calls{call_of("supervisor.stopAllProcesses", {})};
  if (again) calls.push_back(call_of("supervisor.startAllProcesses", {}));
  const std::array args{Value(std::move(calls))};
  subject.operations.call("system.multicall", args,
                          [&clock = subject.clock, again, tell = std::move(tell)](api::Answer<Value> answer) mutable {
                            std::string trouble = why_not_called(answer);
                            if (!trouble.empty()) return tell(std::move(trouble));
                            tell(fmt::format("All {} at {}", again ? "restarted" : "stopped", format_ctime(clock.now().wall)));
                          });
}

bool exists(const engine::Table& table, std::string_view name) {
  const auto colon = name.find(':');
  const engine::GroupEntry* group = table.group(name.substr(0, colon));
  return group != nullptr && group->find(colon == name.npos ? name : name.substr(colon + 1)) != nullptr;
}

}  // namespace

bool is_change(std::string_view action) { return is_among(about_one, action) || is_among(about_all, action); }

bool perform(const Subject& subject, std::string_view action, const std::string& process, Tell tell) {
  if (action == "refresh") {
    tell("Page refreshed at " + format_ctime(subject.clock.now().wall));
  } else if (is_among(about_all, action)) {
    all(subject, action == "restartall", std::move(tell));
  } else if (process.empty()) {
    return false;
  } else if (!exists(subject.table, process)) {
    tell("No such process named " + process);
  } else if (action == "start") {
    call_one(subject, "supervisor.startProcess", process, std::move(tell), started);
  } else if (action == "stop") {
    call_one(subject, "supervisor.stopProcess", process, std::move(tell), stopped);
  } else if (action == "clearlog") {
    call_one(subject, "supervisor.clearProcessLogs", process, std::move(tell), cleared);
  } else if (action == "restart") {
    restart(subject, process, std::move(tell));
  } else {
    return false;
  }
  return true;
}

std::string format_ctime(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local)};
}

}  // namespace sup::web
