#include "ops/process_info.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

namespace sup::ops {
namespace {

using process::State;

// XML-RPC integers are 32 bit; Supervisor caps its times there.
constexpr std::int64_t largest_int = 2147483647;

std::int64_t epoch_seconds(WallTime time) {
  return std::min<std::int64_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count(), largest_int);
}

std::string format_stop_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm local{};
  localtime_r(&time, &local);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%b %d %I:%M %p", &local);
  return {text, length};
}

api::Value or_none(const std::optional<std::string>& text) { return text ? api::Value(*text) : api::Value("none"); }

std::string log_file(const config::LogTarget& target, const std::string* path) {
  switch (target.kind) {
    case config::LogTarget::Kind::none: return "none";
    case config::LogTarget::Kind::file: return target.path;
    case config::LogTarget::Kind::automatic: break;
  }
  return path != nullptr && !path->empty() ? *path : "auto";
}

api::Value restart_value(config::Restart restart) {
  switch (restart) {
    case config::Restart::always: return true;
    case config::Restart::never: return false;
    case config::Restart::unexpected: break;
  }
  return "unexpected";
}

void add_log(api::Struct& info, const std::string& channel, const config::LogTarget& target, std::string path) {
  info.emplace_back(channel + "_capture_maxbytes", static_cast<std::int64_t>(target.capture_max_bytes));
  info.emplace_back(channel + "_events_enabled", target.events);
  info.emplace_back(channel + "_logfile", std::move(path));
  info.emplace_back(channel + "_logfile_backups", static_cast<std::int64_t>(target.backups));
  info.emplace_back(channel + "_logfile_maxbytes", static_cast<std::int64_t>(target.max_bytes));
  info.emplace_back(channel + "_syslog", target.syslog);
}

// More than the longest text of a running process has.
using Line = std::array<char, 96>;

char* write_uptime(char* at, long long seconds) {
  seconds = std::max(seconds, 0LL);
  const long long days = seconds / 86400;
  if (days > 0) at = fmt::format_to(at, FMT_COMPILE("{} day{}, "), days, days == 1 ? "" : "s");
  return fmt::format_to(at, FMT_COMPILE("{}:{:02}:{:02}"), seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

std::string_view describe_running(Line& line, pid_t pid, long long seconds) {
  const char* end = write_uptime(fmt::format_to(line.data(), FMT_COMPILE("pid {}, uptime "), pid), seconds);
  return {line.data(), end};
}

}  // namespace

std::string format_uptime(long long seconds) {
  Line line;
  return {line.data(), write_uptime(line.data(), seconds)};
}

std::string description(const engine::Entry& entry, WallTime now) {
  const std::int64_t start = epoch_seconds(entry.start);
  switch (entry.machine.state) {
    case State::running: {
      Line line;
      return std::string(describe_running(line, entry.machine.pid, epoch_seconds(now) - start));
    }
    case State::backoff:
    case State::fatal:
      if (!entry.spawn_error.empty()) return entry.spawn_error;
      return fmt::format("unknown error (try \"tail {}\")", entry.config.name);
    case State::stopped:
    case State::exited: return start == 0 ? "Not started" : format_stop_time(epoch_seconds(entry.stop));
    case State::starting:
    case State::stopping:
    case State::unknown: break;
  }
  return {};
}

void tell_process_info(const engine::Entry& entry, WallTime now, api::Sink& sink) {
  const auto text = [&sink](std::string_view name, std::string_view value) {
    sink.member(name);
    sink.text(value);
  };
  const auto integer = [&sink](std::string_view name, std::int64_t value) {
    sink.member(name);
    sink.integer(value);
  };
  const std::int64_t start = epoch_seconds(entry.start), seconds = epoch_seconds(now);
  sink.begin_struct();
  text("name", entry.config.name);
  text("group", entry.group->config->name);
  integer("start", start);
  integer("stop", epoch_seconds(entry.stop));
  integer("now", seconds);
  integer("state", static_cast<int>(entry.machine.state));
  text("statename", process::state_name(entry.machine.state));
  text("spawnerr", entry.spawn_error);
  integer("exitstatus", entry.exit_status.value_or(0));
  text("logfile", entry.out_path);
  text("stdout_logfile", entry.out_path);
  text("stderr_logfile", entry.err_path);
  integer("pid", entry.machine.pid);
  if (entry.machine.state == State::running) {  // nearly always: no string is made
    Line line;
    text("description", describe_running(line, entry.machine.pid, seconds - start));
  } else {
    text("description", description(entry, now));
  }
  sink.end_struct();
}

api::Value config_info(const config::Group& group, const config::Process& process, bool in_use,
                       const std::optional<engine::LogPaths>& paths) {
  const config::ProgramOptions& program = *process.program;
  const config::InstanceOptions& instance = *process.instance;
  api::Array exit_codes(program.exitcodes.begin(), program.exitcodes.end());
  api::Struct info;
  info.emplace_back("autostart", program.autostart);
  info.emplace_back("autorestart", restart_value(program.autorestart));
  info.emplace_back("directory", or_none(instance.directory));
  info.emplace_back("uid", program.user ? api::Value(static_cast<std::int64_t>(program.user->uid)) : api::Value("none"));
  info.emplace_back("command", instance.command);
  info.emplace_back("exitcodes", std::move(exit_codes));
  info.emplace_back("group", group.name);
  info.emplace_back("group_prio", static_cast<std::int64_t>(group.priority));
  info.emplace_back("inuse", in_use);
  info.emplace_back("killasgroup", program.killasgroup);
  info.emplace_back("name", process.name);
  info.emplace_back("process_prio", static_cast<std::int64_t>(program.priority));
  info.emplace_back("redirect_stderr", program.redirect_stderr);
  info.emplace_back("startretries", static_cast<std::int64_t>(program.startretries));
  info.emplace_back("startsecs", static_cast<std::int64_t>(program.startsecs));
  add_log(info, "stdout", instance.out, log_file(instance.out, paths ? &paths->out : nullptr));
  info.emplace_back("stopsignal", program.stopsignal);
  info.emplace_back("stopwaitsecs", static_cast<std::int64_t>(program.stopwaitsecs));
  add_log(info, "stderr", instance.err,
          program.redirect_stderr ? "none" : log_file(instance.err, paths ? &paths->err : nullptr));
  info.emplace_back("serverurl", or_none(program.serverurl));
  return info;
}

}  // namespace sup::ops
