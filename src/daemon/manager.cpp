#include "daemon/manager.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>

#include "cli/daemon_options.h"
#include "cli/options.h"
#include "config/load.h"
#include "daemon/check.h"
#include "daemon/daemon.h"
#include "os/config_host.h"

namespace sup::daemon {
namespace {

constexpr const char* searching_as_root =
    "Supervisord is running as root and it is searching for its configuration file in default locations (including its "
    "current working directory); you probably want to specify a \"-c\" argument specifying an absolute path to a "
    "configuration file for improved security.";

void print(FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

int usage_exit(std::string_view message, const std::string& program) {
  print(stderr, cli::usage_error(message, program));
  return cli::usage_exit_code;
}

// Supervisor's first line, which clients match on, then what helps a person.
int problem_exit(const config::Problem& problem, const std::string& program) {
  print(stderr, cli::usage_error(problem.message, program));
  print(stderr, describe_place(problem));
  return cli::usage_exit_code;
}

// The configuration file to use, or nullopt with the complaint printed.
std::optional<std::string> find_file(const cli::DaemonCommandLine& line, const config::Host& host,
                                     const std::string& program, bool warn) {
  if (line.configuration) return line.configuration;
  std::vector<std::string> tried;
  auto found = config::find_default(program, host, &tried);
  if (!found) {
    std::string list;
    for (const std::string& path : tried) list += (list.empty() ? "" : ", ") + path;
    usage_exit("No config file found at default paths (" + list +
                   "); use the -c option to specify a config file at a different path",
               program);
    return std::nullopt;
  }
  if (warn && host.uid() == 0) print(stderr, std::string(searching_as_root) + "\n");
  return found;
}

// Signals meant for the daemon reach it through the keeper. What a terminal or a service manager sends to the whole
// process group must not take the manager away.
void leave_signals_to_keeper() {
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE}) std::signal(signal, SIG_IGN);
}

void become_manager() {
  prctl(PR_SET_NAME, "supervisord: ma");
  leave_signals_to_keeper();
  mallopt(M_ARENA_MAX, 1);                     // the pump's thread shares ours: a second arena would cost memory
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

int run_lives(keeper::Client& keeper, const config::Host& host, const cli::DaemonCommandLine& line,
              const std::string& path, bool daemonized, const std::string& program) {
  Daemon::Inheritance inheritance;
  std::optional<Loaded> fallback;
  for (;;) {
    auto loaded = load_and_record(path, host, line.overrides);
    if (!loaded) return problem_exit(loaded.error().front(), program);
    if (inheritance.first && !daemonized && !loaded->config.daemon.nodaemon) {
      keeper.daemonize();
      return 0;
    }
    const std::string absolute = loaded->config.path;
    Daemon daemon(keeper, host, line.overrides, inheritance);
    if (auto started = daemon.begin(std::move(loaded->config), std::move(loaded->snapshot)); !started) {
      return usage_exit(started.error().text, program);
    }
    if (daemon.run() == Ending::exit) return 0;
    inheritance = {.first = false, .generation = daemon.generation()};
  }
}

int take_over(keeper::Client& keeper, const config::Host& host, const cli::DaemonCommandLine& line,
              keeper::Restored restored, const std::string& program) {
  std::optional<engine::SessionRecord> session;
  std::erase_if(restored.children, [&](const keeper::Restored::Child& child) {
    if (child.id != engine::session_id) return false;
    if (auto record = engine::read_session_record(child.record)) session = std::move(*record);
    return true;
  });
  if (!session) return usage_exit("the keeper's session record cannot be read", program);
  Daemon daemon(keeper, host, line.overrides, {.first = false});
  if (auto done = daemon.take_over(*session, std::move(restored)); !done) return usage_exit(done.error().text, program);
  if (daemon.run() == Ending::exit) return 0;
  const Daemon::Inheritance inheritance{.first = false, .generation = daemon.generation()};
  (void)inheritance;
  return run_lives(keeper, host, line, daemon.config().path, true, program);
}

}  // namespace

int run_manager(UniqueFd keeper_socket, bool daemonized, const std::string& program,
                const std::vector<std::string>& arguments) {
  become_manager();
  const os::ConfigHost host;
  const auto line = cli::parse_daemon_options(arguments, host);
  if (!line) return usage_exit(line.error(), program);
  keeper::Client keeper(std::move(keeper_socket));
  auto restored = keeper.restore();
  if (!restored) return usage_exit(restored.error().text, program);
  int code = 0;
  if (restored->fresh) {
    const auto path = find_file(*line, host, program, !daemonized);
    if (!path) return cli::usage_exit_code;
    code = run_lives(keeper, host, *line, *path, daemonized, program);
  } else {
    code = take_over(keeper, host, *line, std::move(*restored), program);
  }
  return code;
}

int run_without_daemon(const std::string& program, const std::vector<std::string>& arguments) {
  const os::ConfigHost host;
  const auto line = cli::parse_daemon_options(arguments, host);
  if (!line) return usage_exit(line.error(), program);
  switch (line->action) {
    case cli::DaemonCommandLine::Action::run: return -1;
    case cli::DaemonCommandLine::Action::help: print(stdout, cli::daemon_help(program)); return 0;
    case cli::DaemonCommandLine::Action::version: print(stdout, cli::version_text); return 0;
    case cli::DaemonCommandLine::Action::check: break;
  }
  const auto path = find_file(*line, host, program, true);
  return path ? check(*path, host, line->overrides) : cli::usage_exit_code;
}

}  // namespace sup::daemon
