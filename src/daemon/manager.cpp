#include "daemon/manager.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <system_error>

#include "base/version.h"
#include "cli/daemon_options.h"
#include "cli/options.h"
#include "config/load.h"
#include "daemon/check.h"
#include "daemon/daemon.h"
#include "daemon/handover.h"
#include "keeper/keeper.h"
#include "os/config_host.h"
#include "os/scheduling.h"
#include "os/signals.h"

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
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

void become_manager() {
  prctl(PR_SET_NAME, "supervisord");
  leave_signals_to_keeper();
  os::end_with_parent();  // the closing of the keeper's socket would say it later, if we are at work just then
  os::take_short_turns();
  mallopt(M_ARENA_MAX, 1);                     // the pump's thread shares ours: a second arena would cost memory
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

// One life after another, each begun from the file at `path`, until the daemon ends. The exit code.
int run_lives(keeper::Client& keeper, const config::Host& host, const Invocation& invocation, const std::string& path,
              bool daemonized, Daemon::Inheritance inheritance) {
  for (;;) {
    auto loaded = load_and_record(path, host, invocation.overrides);
    if (!loaded) return problem_exit(loaded.error().front(), invocation.argv0);
    if (inheritance.first && !daemonized && !loaded->config.daemon.nodaemon) {
      keeper.daemonize();
      _exit(0);  // another manager begins, of another keeper
    }
    Daemon daemon(keeper, host, invocation, inheritance);
    if (auto started = daemon.begin(std::move(loaded->config), std::move(loaded->snapshot)); !started) {
      return usage_exit(started.error().text, invocation.argv0);
    }
    if (daemon.run() == Ending::exit) return 0;
    inheritance = daemon.inheritance();
  }
}

// What a manager that died has left.
struct Legacy {
  engine::SessionRecord session;
  keeper::Restored restored;
};

Result<Legacy> find_legacy(keeper::Restored restored) {
  Result<Legacy> legacy = fail("the keeper holds no session record");
  std::erase_if(restored.children, [&](const keeper::Restored::Child& child) {
    if (child.id != engine::session_id) return false;
    auto session = engine::read_session_record(child.record);
    legacy = session ? Result<Legacy>(Legacy{std::move(*session), {}}) : std::unexpected(session.error());
    return true;
  });
  if (legacy) legacy->restored = std::move(restored);
  return legacy;
}

// Goes on with the life of a manager that died, and with those that follow it. The exit code.
int go_on(keeper::Client& keeper, const config::Host& host, const Invocation& invocation, Legacy legacy) {
  std::string path;
  Daemon::Inheritance inheritance{.first = false};
  {
    Daemon daemon(keeper, host, invocation, inheritance);
    if (auto done = daemon.take_over(legacy.session, std::move(legacy.restored)); !done) {
      // Not the end of the daemon: the keeper tries again, and the programs run on.
      return usage_exit(done.error().text, invocation.argv0);
    }
    if (daemon.run() == Ending::exit) {
      path.clear();
    } else {
      path = daemon.config().path;
    }
    inheritance = daemon.inheritance();
  }
  const int code = path.empty() ? 0 : run_lives(keeper, host, invocation, path, true, inheritance);
  keeper.quit(code);
  return code;
}

}  // namespace

int run_manager(UniqueFd keeper_socket, bool daemonized, const std::string& program,
                const std::vector<std::string>& arguments) try {
  become_manager();
  const os::ConfigHost host;
  const auto line = cli::parse_daemon_options(arguments, host);
  if (!line) return usage_exit(line.error(), program);
  const Invocation invocation{program, arguments, line->overrides};
  keeper::Client keeper(std::move(keeper_socket));
  auto restored = keeper.restore();
  if (!restored) return usage_exit(restored.error().text, program);
  if (!restored->fresh) {
    auto legacy = find_legacy(std::move(*restored));
    if (!legacy) return usage_exit(legacy.error().text, program);
    return go_on(keeper, host, invocation, std::move(*legacy));
  }
  const auto path = find_file(*line, host, program, !daemonized);
  if (!path) return cli::usage_exit_code;
  const int code = run_lives(keeper, host, invocation, *path, daemonized, {});
  keeper.quit(code);
  return code;
} catch (const std::system_error& error) {
  // How libraries say that the system refuses something. The keeper tries again, but for the first time.
  return usage_exit(error.what(), program);
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

int can_take_over(UniqueFd file, const std::vector<std::string>& arguments) {
  const os::ConfigHost host;
  const auto line = cli::parse_daemon_options(arguments, host);
  const Result<> able = line ? try_handover(file.get(), host, line->overrides) : fail(line.error());
  print(stdout, (able ? keeper::consent + std::string(version) : able.error().text) + "\n");
  return able ? 0 : 1;
}

}  // namespace sup::daemon
