#include "ctl/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/strings.h"
#include "ctl/actions.h"
#include "ctl/format.h"

namespace sup::ctl {
namespace {

Tried<> leave(Session& session, std::string_view) {
  session.say("");
  session.leave();
  return {};
}

void show_overview(Session& session) {
  constexpr std::string_view header = "default commands (type help <topic>):";
  std::vector<std::string> names;
  for (const Command& command : commands())
    if (command.listed) names.emplace_back(command.name);
  session.say("");
  session.say(header);
  session.say(std::string(header.size(), '='));
  session.say(columnize(names, 79));
}

Tried<> help(Session& session, std::string_view topic) {
  const Command* command = find_command(topic);
  if (topic.empty()) {
    show_overview(session);
  } else if (command && !command->help.empty()) {
    session.say(command->help);
  } else {
    session.say(fmt::format("*** No help on {}", topic));
  }
  return {};
}

constexpr std::string_view help_help =
    "help\t\tPrint a list of available actions\n"
    "help <action>\tPrint help for <action>";
constexpr std::string_view add_help = "add <name> [...]\tActivates any updates in config for process/group";
constexpr std::string_view avail_help = "avail\t\t\tDisplay all configured processes";
constexpr std::string_view clear_help =
    "clear <name>\t\tClear a process' log files.\n"
    "clear <name> <name>\tClear multiple process' log files\n"
    "clear all\t\tClear all process' log files";
constexpr std::string_view exit_help = "exit\tExit the supervisor shell.";
constexpr std::string_view fg_help =
    "fg <process>\tConnect to a process in foreground mode\n"
    "\t\tCtrl-C to exit";
constexpr std::string_view maintail_help =
    "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n"
    "maintail -100\tlast 100 *bytes* of supervisord main log file\n"
    "maintail\tlast 1600 *bytes* of supervisor main log file\n";
constexpr std::string_view open_help =
    "open <url>\tConnect to a remote supervisord process.\n"
    "\t\t(for UNIX domain socket, use unix:///socket/path)";
constexpr std::string_view pid_help =
    "pid\t\t\tGet the PID of supervisord.\n"
    "pid <name>\t\tGet the PID of a single child process by name.\n"
    "pid all\t\t\tGet the PID of every child process, one per line.";
constexpr std::string_view quit_help = "quit\tExit the supervisor shell.";
constexpr std::string_view reload_help = "reload \t\tRestart the remote supervisord.";
constexpr std::string_view remove_help = "remove <name> [...]\tRemoves process/group from active config";
constexpr std::string_view reread_help = "reread \t\t\tReload the daemon's configuration files without add/remove";
constexpr std::string_view restart_help =
    "restart <name>\t\tRestart a process\n"
    "restart <gname>:*\tRestart all processes in a group\n"
    "restart <name> <name>\tRestart multiple processes or groups\n"
    "restart all\t\tRestart all processes\n"
    "Note: restart does not reread config files. For that, see reread and update.";
constexpr std::string_view shutdown_help = "shutdown \tShut the remote supervisord down.";
constexpr std::string_view signal_help =
    "signal <signal name> <name>\t\tSignal a process\n"
    "signal <signal name> <gname>:*\t\tSignal all processes in a group\n"
    "signal <signal name> <name> <name>\tSignal multiple processes or groups\n"
    "signal <signal name> all\t\tSignal all processes";
constexpr std::string_view start_help =
    "start <name>\t\tStart a process\n"
    "start <gname>:*\t\tStart all processes in a group\n"
    "start <name> <name>\tStart multiple processes or groups\n"
    "start all\t\tStart all processes";
constexpr std::string_view status_help =
    "status <name>\t\tGet status for a single process\n"
    "status <gname>:*\tGet status for all processes in a group\n"
    "status <name> <name>\tGet status for multiple named processes\n"
    "status\t\t\tGet all process status info";
constexpr std::string_view stop_help =
    "stop <name>\t\tStop a process\n"
    "stop <gname>:*\t\tStop all processes in a group\n"
    "stop <name> <name>\tStop multiple processes or groups\n"
    "stop all\t\tStop all processes";
constexpr std::string_view tail_help =
    "tail [-f] <name> [stdout|stderr] (default stdout)\n"
    "Ex:\n"
    "tail -f <name>\t\tContinuous tail of named process stdout\n"
    "\t\t\tCtrl-C to exit.\n"
    "tail -100 <name>\tlast 100 *bytes* of process stdout\n"
    "tail <name> stderr\tlast 1600 *bytes* of process stderr";
constexpr std::string_view update_help =
    "update\t\t\tReload config and add/remove as necessary, and will restart affected programs\n"
    "update all\t\tReload config and add/remove as necessary, and will restart affected programs\n"
    "update <gname> [...]\tUpdate specific groups";
constexpr std::string_view upgrade_help =
    "upgrade\t\t\tReplace the running supervisord by the installed one, without touching a program\n"
    "upgrade --keeper\tReplace its keeper process too, even if the installed file is the same";
constexpr std::string_view version_help = "version\t\t\tShow the version of the remote supervisord process";

// `upgrade` is no command of Supervisor's, whose overview is printed as it is.
// `status` and `version` look for the daemon themselves: one has an exit status of its own for a dead daemon, the other
// refuses arguments first.
constexpr std::array table{
    Command{"EOF", "", false, false, leave},
    Command{"add", add_help, false, true, add},
    Command{"avail", avail_help, false, true, avail},
    Command{"clear", clear_help, true, true, clear},
    Command{"exit", exit_help, false, true, leave},
    Command{"fg", fg_help, true, true, foreground},
    Command{"help", help_help, false, false, help},
    Command{"maintail", maintail_help, true, true, maintail},
    Command{"open", open_help, false, true, open},
    Command{"pid", pid_help, true, true, pid},
    Command{"quit", quit_help, false, true, leave},
    Command{"reload", reload_help, false, true, reload},
    Command{"remove", remove_help, false, true, remove},
    Command{"reread", reread_help, false, true, reread},
    Command{"restart", restart_help, true, true, restart},
    Command{"shutdown", shutdown_help, false, true, shutdown},
    Command{"signal", signal_help, true, true, signal},
    Command{"start", start_help, true, true, start},
    Command{"status", status_help, false, true, status},
    Command{"stop", stop_help, true, true, stop},
    Command{"tail", tail_help, true, true, tail},
    Command{"update", update_help, false, true, update},
    Command{"upgrade", upgrade_help, true, false, upgrade},
    Command{"version", version_help, false, true, version},
};

}  // namespace

std::span<const Command> commands() {
  return table;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(table, name, &Command::name);
  return found == table.end() ? nullptr : &*found;
}

Tried<> perform(Session& session, const Command& command, std::string_view arguments) {
  if (command.needs_daemon) {
    const auto answers = session.daemon_answers();
    if (!answers) return std::unexpected(answers.error());
    if (!*answers) return {};
  }
  return command.run(session, arguments);
}

void refuse_usage(Session& session, std::string_view command, std::string_view problem, int status) {
  session.say(problem);
  session.say(find_command(command)->help);
  session.set_status(status);
}

}  // namespace sup::ctl
