// Starting, stopping and looking at processes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ops/batch.h"
#include "ops/definitions.h"
#include "ops/process_info.h"

namespace sup::ops {
namespace {

using api::FaultCode;
using api::make_fault;
using api::Value;
using engine::Entry;

std::unexpected<api::Fault> refuse(FaultCode code, std::string_view extra) {
  return std::unexpected(make_fault(code, extra));
}

// Whether the name was right but the process cannot be started now, in Supervisor's order of checks.
api::Answer<void> may_start(const Context& context, const Entry& entry, const std::string& name) {
  if (auto command = context.engine.find_command(entry); !command) {
    const bool missing = command.error().kind == engine::CommandError::Kind::not_found;
    return refuse(missing ? FaultCode::no_file : FaultCode::not_executable, command.error().text);
  }
  if (process::is_running(entry.machine.state)) return refuse(FaultCode::already_started, name);
  if (entry.machine.state == process::State::unknown) {
    return refuse(FaultCode::failed, name + " is in an unknown process state");
  }
  return {};
}

api::Answer<void> start_result(engine::Answer answer, const std::string& name) {
  switch (answer) {
    case engine::Answer::done: return {};
    case engine::Answer::spawn_error: return refuse(FaultCode::spawn_error, name);
    case engine::Answer::abnormal_termination: return refuse(FaultCode::abnormal_termination, name);
    case engine::Answer::failed: break;
  }
  return refuse(FaultCode::failed, name);
}

// Both answer whether the result has to be waited for.
bool start_one(Context& context, Entry& entry, const std::string& name, bool wait, ItemDone done) {
  if (auto allowed = may_start(context, entry, name); !allowed) {
    done(std::move(allowed));
    return false;
  }
  const bool slow = wait && entry.config.program->startsecs > 0;
  context.engine.start(entry, wait, [name, done = std::move(done)](engine::Answer answer) mutable {
    done(start_result(answer, name));
  });
  return slow;
}

bool stop_one(Context& context, Entry& entry, const std::string& name, bool wait, ItemDone done) {
  if (!process::is_running(entry.machine.state)) {
    done(refuse(FaultCode::not_running, name));
    return false;
  }
  const bool slow = wait && entry.machine.state != process::State::backoff;
  context.engine.stop(entry, wait, [name, done = std::move(done)](engine::Answer answer) mutable {
    if (answer == engine::Answer::failed) {
      done(refuse(FaultCode::failed, "could not signal " + name));
    } else {
      done({});
    }
  });
  return slow;
}

ItemDone answer_true(api::Reply reply) {
  return [reply = std::move(reply)](api::Answer<void> answer) mutable {
    if (answer) {
      reply(Value(true));
    } else {
      reply(std::unexpected(std::move(answer.error())));
    }
  };
}

using OneAction = bool (*)(Context&, Entry&, const std::string&, bool, ItemDone);

// `start`: those that do not run; `stop`: those that do.
void many(Context& context, std::vector<Entry*> entries, bool start, bool wait, api::Reply reply) {
  std::erase_if(entries, [start](const Entry* entry) { return process::is_running(entry->machine.state) == start; });
  const OneAction action = start ? start_one : stop_one;
  run_batch(
      entries,
      [&context, action, wait](Entry& entry, ItemDone done) {
        return action(context, entry, engine::namespec(entry), wait, std::move(done));
      },
      std::move(reply));
}

void one(Context& context, Arguments args, bool start, api::Reply reply) {
  const auto target = find_target(context, args[0]);
  if (!target) return reply(std::unexpected(target.error()));
  const bool wait = wait_argument(args, 1);
  if (target->entry == nullptr) return many(context, target->group->by_priority(), start, wait, std::move(reply));
  const OneAction action = start ? start_one : stop_one;
  action(context, *target->entry, python_str(args[0]), wait, answer_true(std::move(reply)));
}

void group(Context& context, Arguments args, bool start, api::Reply reply) {
  const auto found = find_group(context, args[0]);
  if (!found) return reply(std::unexpected(found.error()));
  many(context, (*found)->by_priority(), start, wait_argument(args, 1), std::move(reply));
}

void start_process(Context& c, Arguments a, api::Reply r) { one(c, a, true, std::move(r)); }
void stop_process(Context& c, Arguments a, api::Reply r) { one(c, a, false, std::move(r)); }
void start_group(Context& c, Arguments a, api::Reply r) { group(c, a, true, std::move(r)); }
void stop_group(Context& c, Arguments a, api::Reply r) { group(c, a, false, std::move(r)); }
void start_all(Context& c, Arguments a, api::Reply r) { many(c, all_processes(c), true, wait_argument(a, 0), std::move(r)); }
void stop_all(Context& c, Arguments a, api::Reply r) { many(c, all_processes(c), false, wait_argument(a, 0), std::move(r)); }

void get_process_info(Context& context, Arguments args, api::Reply reply) {
  const auto entry = find_process(context, args[0]);
  if (!entry) return reply(std::unexpected(entry.error()));
  reply(api::Stream{[entry = *entry, now = context.clock.now().wall](api::Sink& sink) {
                      tell_process_info(*entry, now, sink);
                    },
                    process_info_size});
}

void get_all_process_info(Context& context, Arguments, api::Reply reply) {
  const engine::Table& table = context.engine.table();
  const WallTime now = context.clock.now().wall;
  // Times are told in seconds.
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  reply(api::Stream{[&table, now](api::Sink& sink) {
                      sink.begin_array();
                      for (const auto& [name, group] : table.by_name()) {
                        for (const Entry* entry : group->by_name) tell_process_info(*entry, now, sink);
                      }
                      sink.end_array();
                    },
                    table.size() * process_info_size,
                    fmt::format("getAllProcessInfo {} {}", context.engine.changes(), second)});
}

const api::Parameter name_parameter{"string", "name", "the process, as name or group:name"};
const api::Parameter group_parameter{"string", "name", "the group"};
const api::Parameter wait_parameter{"boolean", "wait", "answer only when it is done", true};
const api::Returns always_true{"boolean", "result", "true, unless it fails"};
const api::Returns status_list{"array", "result", "a status struct for each process"};

}  // namespace

void add_process_operations(Registrar& registrar) {
  registrar.add({"startProcess", "Start a process.", {name_parameter, wait_parameter}, always_true, start_process});
  registrar.add({"startProcessGroup", "Start every process of a group that does not run.",
                 {group_parameter, wait_parameter}, status_list, start_group});
  registrar.add({"startAllProcesses", "Start every process that does not run.", {wait_parameter}, status_list, start_all});
  registrar.add({"stopProcess", "Stop a process.", {name_parameter, wait_parameter}, always_true, stop_process});
  registrar.add({"stopProcessGroup", "Stop every process of a group that runs.", {group_parameter, wait_parameter},
                 status_list, stop_group});
  registrar.add({"stopAllProcesses", "Stop every process that runs.", {wait_parameter}, status_list, stop_all});
  registrar.add({"getProcessInfo", "Tell the state of a process.", {name_parameter},
                 {"struct", "result", "what is known about it"}, get_process_info});
  registrar.add({"getAllProcessInfo", "Tell the state of all processes.", {},
                 {"array", "result", "a struct for each process"}, get_all_process_info});
}

}  // namespace sup::ops
