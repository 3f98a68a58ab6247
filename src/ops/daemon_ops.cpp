// The daemon itself: who it is, its configuration and its end.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/version.h"
#include "ops/definitions.h"
#include "ops/process_info.h"

namespace sup::ops {
namespace {

using api::FaultCode;
using api::make_fault;
using api::Value;

constexpr std::string_view api_version = "3.0";

void get_api_version(Context&, Arguments, api::Reply reply) { reply(Value(api_version)); }
void get_supervisor_version(Context&, Arguments, api::Reply reply) { reply(Value(supervisor_version)); }
void get_identification(Context& context, Arguments, api::Reply reply) { reply(Value(context.supervisor.identification())); }
void get_pid(Context& context, Arguments, api::Reply reply) { reply(Value(context.supervisor.pid())); }

std::string_view mood_name(engine::Mood mood) {
  switch (mood) {
    case engine::Mood::fatal: return "FATAL";
    case engine::Mood::running: return "RUNNING";
    case engine::Mood::restarting: return "RESTARTING";
    case engine::Mood::shutdown: return "SHUTDOWN";
  }
  return "UNKNOWN";
}

void get_state(Context& context, Arguments, api::Reply reply) {
  const engine::Mood mood = context.engine.mood();
  reply(Value(api::Struct{{"statecode", static_cast<int>(mood)}, {"statename", mood_name(mood)}}));
}

void shutdown(Context& context, Arguments, api::Reply reply) {
  context.supervisor.request_shutdown();
  reply(Value(true));
}

void restart(Context& context, Arguments, api::Reply reply) {
  context.supervisor.request_restart();
  reply(Value(true));
}

void upgrade(Context& context, Arguments args, api::Reply reply) {
  const bool keeper_too = !args.empty() && truth(args[0]);
  context.supervisor.upgrade(keeper_too, [reply = std::move(reply)](Result<std::string> version) mutable {
    if (!version) return reply(std::unexpected(make_fault(FaultCode::failed, version.error().text)));
    reply(Value(std::move(*version)));
  });
}

api::Array names(const std::vector<std::string>& list) { return {list.begin(), list.end()}; }

void reload_config(Context& context, Arguments, api::Reply reply) {
  const auto changes = context.supervisor.reread();
  if (!changes) return reply(std::unexpected(make_fault(FaultCode::cant_reread, changes.error().text)));
  reply(Value(api::Array{api::Array{names(changes->added), names(changes->changed), names(changes->removed)}}));
}

void add_process_group(Context& context, Arguments args, api::Reply reply) {
  const std::string* name = args[0].string();
  const auto added = name != nullptr ? context.supervisor.add_group(*name) : Supervisor::Added::unknown;
  if (added == Supervisor::Added::added) return reply(Value(true));
  const bool unknown = added == Supervisor::Added::unknown;
  reply(std::unexpected(fault_about(unknown ? FaultCode::bad_name : FaultCode::already_added, args[0])));
}

void remove_process_group(Context& context, Arguments args, api::Reply reply) {
  const auto group = find_group(context, args[0]);
  if (!group) return reply(std::unexpected(group.error()));
  if (context.supervisor.remove_group(*args[0].string()) == Supervisor::Removed::removed) return reply(Value(true));
  reply(std::unexpected(fault_about(FaultCode::still_running, args[0])));
}

void get_all_config_info(Context& context, Arguments, api::Reply reply) {
  struct Row {
    std::shared_ptr<const config::Group> group;
    const config::Process* process;
    bool in_use;
    std::optional<engine::LogPaths> paths;
  };
  constexpr std::size_t quickly_told = 50;
  std::vector<Row> rows;
  for (const auto& group : context.supervisor.config().groups) {
    const engine::GroupEntry* running = context.engine.table().group(group->name);
    // A configuration read since then knows nothing of the paths that the running one chose.
    const bool same = running != nullptr && running->generation == context.supervisor.generation();
    const std::vector<engine::LogPaths>* former = context.engine.table().former_logs(group);
    for (std::size_t i = 0; i < group->processes.size(); ++i) {
      const config::Process& process = group->processes[i];
      Row& row = rows.emplace_back(group, &process, running != nullptr);
      if (const engine::Entry* entry = same ? running->find(process.name) : nullptr; entry != nullptr)
        row.paths = engine::LogPaths{entry->out_path, entry->err_path};
      else if (former != nullptr)
        row.paths = (*former)[i];
    }
  }
  const bool quick = rows.size() <= quickly_told;
  const auto tell = [rows = std::move(rows)]() mutable -> api::Answer<Value> {
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.process->name < b.process->name; });
    api::Array infos;
    infos.reserve(rows.size());
    for (const Row& row : rows)
      infos.push_back(config_info(*row.group, *row.process, row.in_use, row.paths));
    rows = {};
    return Value(std::move(infos));
  };
  answer_with(context, quick, tell, std::move(reply));
}

const api::Returns always_true{"boolean", "result", "true, unless it fails"};
const api::Parameter group_parameter{"string", "name", "the group"};

}  // namespace

void add_daemon_operations(Registrar& registrar) {
  registrar.add({"getAPIVersion", "Tell the version of this API.", {}, {"string", "version", "3.0"}, get_api_version,
                 "getVersion"});
  registrar.add({"getSupervisorVersion", "Tell the version of the daemon.", {}, {"string", "version", "its version"},
                 get_supervisor_version});
  registrar.add({"getIdentification", "Tell the identifier of the daemon.", {},
                 {"string", "identifier", "as configured"}, get_identification});
  registrar.add({"getState", "Tell the state of the daemon.", {}, {"struct", "A", "struct with statecode and statename"},
                 get_state});
  registrar.add({"getPID", "Tell the process id of the daemon.", {}, {"int", "PID"}, get_pid});
  registrar.add({"shutdown", "Stop all processes and end the daemon.", {}, always_true, shutdown});
  registrar.add({"restart", "Stop all processes, read the configuration and begin anew.", {}, always_true, restart});
  registrar.add({"upgrade", "Replace the daemon's program by the file it was started from. No process is touched.",
                 {{"boolean", "keeper", "the keeper too, even if its file is the same", true}},
                 {"string", "version", "of the program that takes over"}, upgrade, {}, false, true});
  registrar.add({"reloadConfig", "Read the configuration files again; nothing is applied.", {},
                 {"array", "result", "[[added, changed, removed]]: names of groups"}, reload_config});
  registrar.add({"addProcessGroup", "Make a group of the configuration read last run.", {group_parameter}, always_true,
                 add_process_group});
  registrar.add({"removeProcessGroup", "Take a group whose processes are stopped out of the running ones.",
                 {group_parameter}, always_true, remove_process_group});
  registrar.add({"getAllConfigInfo", "Tell the configuration of all processes.", {},
                 {"array", "result", "a struct for each process"}, get_all_config_info});
}

}  // namespace sup::ops
