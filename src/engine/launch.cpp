// From Effect::spawn to a running child, and from its exit to a finished one.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "engine/engine.h"

namespace sup::engine {

using process::Input;
using process::State;

namespace {

constexpr std::uint8_t bit(Channel channel) { return channel == Channel::out ? 1 : 2; }

// The value a variable gets from the program's environment, which wins over the daemon's.
std::string_view own_variable(const config::Environment& environment, std::string_view name, std::string_view fallback) {
  for (const auto& [key, value] : environment) {
    if (key == name) return value;
  }
  return fallback;
}

// Supervisor's words for what can fail before there is a child.
std::string dispatchers_error(std::string_view name, int code) {
  return code == EMFILE ? fmt::format("too many open files to spawn '{}'", name)
                        : fmt::format("unknown error making dispatchers for '{}': {}", name, errno_name(code));
}

std::string fork_error(std::string_view name, int code) {
  return code == EAGAIN ? fmt::format("Too many processes in process table to spawn '{}'", name)
                        : fmt::format("unknown error during fork for '{}': {}", name, errno_name(code));
}

}  // namespace

std::expected<Command, CommandError> Engine::find_command(const Entry& entry) const {
  const config::InstanceOptions& options = *entry.config.instance;
  const std::string_view path = settings_.path.empty() ? default_path : settings_.path;
  return resolve_command(options.command, own_variable(options.environment, "PATH", path), out_.files);
}

// Asks for a child, or says why not.
std::optional<std::string> Engine::spawn(Entry& entry) {
  const auto socket = fastcgi_.acquire(entry);
  if (!socket) return socket.error().text;
  auto command = find_command(entry);
  if (!command) return std::move(command.error().text);
  auto opened = open_logs(entry);
  if (!opened) return dispatchers_error(entry.config.name, opened.error().code);
  entry.opened = std::move(*opened);
  out_.children.spawn(entry.id, plan_for(entry, std::move(*command)), record_of(entry), *socket);
  return std::nullopt;
}

void Engine::fail_spawn(Entry& entry, std::string text) {
  out_.log(Level::info, "spawnerr: {}", text);
  entry.spawn_error = std::move(text);
  fastcgi_.release(entry);
  queue(entry, input(Input::Kind::spawn_failed));
}

keeper::Plan Engine::plan_for(const Entry& entry, Command command) const {
  const config::ProgramOptions& program = *entry.config.program;
  const config::InstanceOptions& instance = *entry.config.instance;
  keeper::Plan plan;
  plan.path = std::move(command.path);
  plan.argv = std::move(command.argv);
  plan.environment.reserve(4 + instance.environment.size());
  plan.environment.emplace_back("SUPERVISOR_ENABLED", "1");
  const std::string& url = program.serverurl ? *program.serverurl : settings_.server_url;
  if (!url.empty()) plan.environment.emplace_back("SUPERVISOR_SERVER_URL", url);
  plan.environment.emplace_back("SUPERVISOR_PROCESS_NAME", entry.config.name);
  plan.environment.emplace_back("SUPERVISOR_GROUP_NAME", entry.group->config->name);
  plan.environment.insert(plan.environment.end(), instance.environment.begin(), instance.environment.end());
  if (instance.directory) plan.directory = *instance.directory;
  plan.umask = program.umask;
  plan.stdin_from_socket = entry.socket != nullptr;
  plan.stderr_to_stdout = program.redirect_stderr;
  plan_stop(plan, program);
  if (program.user) {
    auto identity = out_.files.identity(program.user->uid);
    if (identity) {
      plan.identity = std::move(*identity);
    } else {
      plan.identity = keeper::Identity{program.user->uid, 0, {}};
      plan.identity_refused = identity.error().text;
    }
  }
  return plan;
}

void plan_stop(keeper::Plan& plan, const config::ProgramOptions& program) {
  constexpr long long longest_wait = 1'000'000;  // seconds: what the keeper's milliseconds can hold
  plan.stop_signal = program.stopsignal;
  plan.stop_wait_ms = static_cast<std::uint32_t>(std::clamp(program.stopwaitsecs, 0LL, longest_wait) * 1000);
  plan.stop_as_group = program.stopasgroup;
  plan.kill_as_group = program.killasgroup;
}

// With `running`, the process writes already: what cannot be opened is tried again when there is something to write.
Result<std::unique_ptr<OpenedLogs>> Engine::open_logs(const Entry& entry, bool running) {
  auto opened = std::make_unique<OpenedLogs>();
  const auto open = [&](const std::string& path, const config::LogTarget& target, logs::RotatingFile& into) -> Result<> {
    if (path.empty()) return {};
    logs::FilePlan plan{path, target.max_bytes, target.backups, target.kind == config::LogTarget::Kind::automatic};
    auto file = out_.files.open_log(plan);
    if (file) {
      into = std::move(*file);
      return {};
    }
    if (!running) return std::unexpected(file.error());
    out_.log(Level::error, "could not open the log files of {} again: {}", entry.config.name, file.error().text);
    into = logs::RotatingFile::closed(std::move(plan));
    return {};
  };
  if (auto result = open(entry.out_path, entry.config.instance->out, opened->out); !result) {
    return std::unexpected(result.error());
  }
  if (!entry.config.program->redirect_stderr) {
    if (auto result = open(entry.err_path, entry.config.instance->err, opened->err); !result) {
      return std::unexpected(result.error());
    }
  }
  return opened;
}

void Engine::make_automatic_logs(Entry& entry) {
  const auto choose = [&](Channel channel, const config::LogTarget& target, const std::string& former) -> std::string {
    switch (target.kind) {
      case config::LogTarget::Kind::none: return {};
      case config::LogTarget::Kind::file: return target.path;
      case config::LogTarget::Kind::automatic: break;
    }
    if (!former.empty()) return former;
    auto path = out_.files.create_log(
        settings_.child_log_directory,
        fmt::format("{}-{}---{}-", entry.config.name, channel_name(channel), settings_.identifier));
    if (path) return std::move(*path);
    out_.log(Level::warn, "could not create a log file for {} {}: {}", entry.config.name, channel_name(channel),
             path.error().text);
    return {};
  };
  entry.out_path = choose(Channel::out, entry.config.instance->out, entry.out_path);
  entry.err_path = entry.config.program->redirect_stderr
                       ? std::string()
                       : choose(Channel::err, entry.config.instance->err, entry.err_path);
}

void Engine::attach(Entry& entry, Channel channel, UniqueFd pipe, logs::RotatingFile file) {
  if (channel == Channel::out && is_listener(entry)) {
    listeners_.started(entry, std::move(pipe), std::move(file), settings_.strip_ansi);
    return;
  }
  if (!pipe) return;
  const config::LogTarget& target = channel == Channel::out ? entry.config.instance->out : entry.config.instance->err;
  logs::ChannelPlan plan;
  plan.name = entry.config.name;
  plan.file = std::move(file);
  plan.strip_ansi = settings_.strip_ansi;
  plan.syslog = target.syslog;
  plan.events = target.events;
  plan.echo = settings_.echo_output;
  plan.capture_max = target.capture_max_bytes;
  entry.open_channels = static_cast<std::uint8_t>(entry.open_channels | bit(channel));
  out_.output.attach(entry.id, channel, std::move(pipe), std::move(plan));
}

void Engine::on_spawned(ProcessId id, std::expected<keeper::Spawned, keeper::SpawnFailure> result) {
  begin();
  Entry* entry = table_.find(id);
  if (entry == nullptr) return;
  auto opened = std::move(entry->opened);
  if (result && result->lost) {
    // Nobody would read what it writes.
    entry->abandoned = result->pid;
    out_.children.signal(id, SIGKILL, keeper::Target::group);
    result = std::unexpected(keeper::SpawnFailure{keeper::SpawnStage::pipe, EMFILE});
  }
  if (!result) {
    const auto [stage, code] = result.error();
    const std::string& name = entry->config.name;
    fail_spawn(*entry, stage == keeper::SpawnStage::fork ? fork_error(name, code) : dispatchers_error(name, code));
    drain_work();
    return;
  }
  inputs_.begun(*entry, std::move(result->in));
  if (opened == nullptr) opened = std::make_unique<OpenedLogs>();
  attach(*entry, Channel::out, std::move(result->out), std::move(opened->out));
  attach(*entry, Channel::err, std::move(result->err), std::move(opened->err));
  apply(*entry, input(Input::Kind::spawned, result->pid));
  out_.log(Level::info, "spawned: '{}' with pid {}", entry->config.name, result->pid);
  answer(*entry, Waiter::For::spawn, Answer::done);
  drain_work();
  on_time();  // startsecs=0 is over at once
  if (out_.births != nullptr) out_.births->on_birth(id, result->pid);
}

void Engine::send_signal(Entry& entry, int signal, bool to_group, bool overdue) {
  out_.children.signal(entry.id, signal, to_group ? keeper::Target::group : keeper::Target::process, record_of(entry));
  if (overdue) out_.log(Level::warn, "killing '{}' ({}) with SIGKILL", entry.config.name, entry.machine.pid);
  out_.log(Level::debug, "killing {} (pid {}) {}with signal {}", entry.config.name, entry.machine.pid,
           to_group ? "process group " : "", signal_name(signal));
}

void Engine::on_signalled(ProcessId id, int signal, int code) {
  begin();
  Entry* entry = table_.find(id);
  if (entry == nullptr) return;
  const pid_t pid = entry->machine.pid;
  if (code == ESRCH) {
    out_.log(Level::debug,
             "unable to signal {} (pid {}), it probably just exited on its own: [Errno 3] No such process",
             entry->config.name, pid);
  } else if (code != 0) {
    out_.log(Level::critical, "unknown problem killing {} ({}) with {}: {}", entry->config.name, pid,
             signal_name(signal), errno_name(code));
    queue(*entry, input(Input::Kind::signal_failed));
  }
  answer(*entry, Waiter::For::signal, code == 0 || code == ESRCH ? Answer::done : Answer::failed);
  drain_work();
}

void Engine::on_exited(ProcessId id, pid_t pid, const keeper::Exit& exit) {
  begin();
  Entry* entry = table_.find(id);
  if (entry == nullptr) {
    out_.log(Level::info, "reaped unknown pid {} ({})", pid, describe_status(exit.status));
    out_.children.acknowledge(id);
    return;
  }
  if (pid == std::exchange(entry->dealt_with, 0)) return;
  if (pid == entry->abandoned) {
    entry->abandoned = 0;
    // A spawn that is on its way acknowledges it, too.
    if (entry->machine.state != State::starting) out_.children.acknowledge(id);
    return;
  }
  out_.log(Level::debug, "received SIGCHLD indicating a child quit");
  entry->reaped = Reaped{exit, now_};
  if (const Time at{Duration(exit.at)}; exit.at != 0 && at < now_.mono) {
    // There was nobody to tell for a while.
    entry->reaped->at = Now{at, now_.wall - (now_.mono - at)};
  }
  if (entry->machine.pid == 0) entry->machine.pid = pid;
  if (is_listener(*entry)) listeners_.exited(*entry, now_);
  if (entry->open_channels == 0) {
    out_.output.forget(id);
    finish(*entry);
  } else {
    out_.output.drain(id);
  }
}

void Engine::on_report(logs::Report report) {
  using Kind = logs::Report::Kind;
  begin();
  Entry* entry = table_.find(report.id);
  switch (report.kind) {
    case Kind::problem: out_.log(report.level, "{}", report.bytes); return;
    case Kind::cleared: {
      auto node = clearing_.extract(report.id);
      if (node.empty()) return;
      for (auto& done : node.mapped()) done(report.code);
      return;
    }
    case Kind::closed:
      if (entry == nullptr) return;
      out_.log(Level::debug, "the {} of {} is closed, stopped monitoring it", channel_name(report.channel),
               entry->config.name);
      entry->open_channels = static_cast<std::uint8_t>(entry->open_channels & ~bit(report.channel));
      return;
    case Kind::drained:
      if (entry == nullptr) return;
      entry->open_channels = 0;
      if (entry->reaped) finish(*entry);
      return;
    case Kind::data:
    case Kind::echo:
    case Kind::captured:
      if (entry != nullptr) on_output(*entry, report);
      return;
  }
}

void Engine::on_listener_output(ProcessId id, std::string_view bytes) {
  begin();
  if (const Entry* entry = table_.find(id)) listeners_.output(*entry, bytes, now_);
}

void Engine::on_lent(ProcessId id, UniqueFd in, bool lost) {
  begin();
  if (Entry* entry = table_.find(id)) inputs_.lent(*entry, std::move(in), lost);
}

void Engine::on_listener_closed(ProcessId id) {
  if (const Entry* entry = table_.find(id)) listeners_.closed(*entry);
}

void Engine::on_output(Entry& entry, const logs::Report& report) {
  using events::Type;
  const bool out = report.channel == Channel::out;
  const std::string& name = entry.config.name;
  const std::string& group = entry.group->config->name;
  switch (report.kind) {
    case logs::Report::Kind::data: {
      const Type type = out ? Type::process_log_stdout : Type::process_log_stderr;
      if (!wants(type)) return;
      emit({type, events::log_body(name, group, entry.machine.pid, report.channel, report.bytes)});
      return;
    }
    case logs::Report::Kind::captured: {
      const Type type = out ? Type::process_communication_stdout : Type::process_communication_stderr;
      if (wants(type)) {
        emit({type, events::communication_body(name, group, entry.machine.pid, report.bytes)});
      }
      out_.log(Level::debug, "{} {} emitted a comm event", python_repr(name), channel_name(report.channel));
      return;
    }
    case logs::Report::Kind::echo:
      out_.log(Level::debug, "{} {} output:\n{}", python_repr(name), channel_name(report.channel),
               is_utf8(report.bytes) ? report.bytes : "Undecodable: " + python_bytes_repr(report.bytes));
      return;
    case logs::Report::Kind::closed:
    case logs::Report::Kind::drained:
    case logs::Report::Kind::cleared:
    case logs::Report::Kind::problem: return;
  }
}

// The child is reaped and its output is written: only now does anybody hear of the exit.
void Engine::finish(Entry& entry) {
  entry.stop = entry.reaped->at.wall;
  inputs_.ended(entry);
  const Now now = now_;
  now_.mono = entry.reaped->at.mono;  // how long it ran, not how long draining took
  apply(entry, input(Input::Kind::exited, 0, exit_code(entry.reaped->exit.status)));
  while (!work_.empty() && work_.front().id == entry.id && work_.front().input.kind == Input::Kind::exited) {
    const Input again = work_.front().input;
    work_.pop_front();
    apply(entry, again);
  }
  now_ = now;
  entry.reaped.reset();
  out_.children.acknowledge(entry.id);
  drain_work();
  on_time();  // an immediate restart, or the end of the tries
}

}  // namespace sup::engine
