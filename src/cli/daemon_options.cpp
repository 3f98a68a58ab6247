#include "cli/daemon_options.h"

#include <utility>

#include "cli/help.h"
#include "config/types.h"

namespace sup::cli {
namespace {

using config::DaemonOverrides;
using config::Host;

template <class T>
using Converted = std::expected<T, std::string>;

struct Target {
  DaemonCommandLine& line;
  const Host& host;
};

template <class T>
Converted<Next> store(std::optional<T>& place, config::Parsed<T> value) {
  if (!value) return std::unexpected(std::move(value.error().message));
  place = std::move(*value);
  return Next::go_on;
}

Converted<Next> end_with(DaemonCommandLine& line, DaemonCommandLine::Action action) {
  line.action = action;
  return Next::stop;
}

using Text = const std::string&;
using Take = Converted<Next> (*)(const Target&, Text);

template <std::optional<bool> DaemonOverrides::*flag>
Converted<Next> set_flag(const Target& to, Text) {
  to.line.overrides.*flag = true;
  return Next::go_on;
}

template <std::optional<std::string> DaemonOverrides::*place>
Converted<Next> set_text(const Target& to, Text text) {
  return store<std::string>(to.line.overrides.*place, text);
}

template <std::optional<std::string> DaemonOverrides::*place>
Converted<Next> set_directory(const Target& to, Text text) {
  return store(to.line.overrides.*place, config::to_existing_directory(text, to.host));
}

template <std::optional<std::string> DaemonOverrides::*place>
Converted<Next> set_file(const Target& to, Text text) {
  return store(to.line.overrides.*place, config::to_path_in_directory(text, to.host));
}

template <std::optional<long long> DaemonOverrides::*place>
Converted<Next> set_integer(const Target& to, Text text) {
  return store(to.line.overrides.*place, config::to_integer(text));
}

Converted<Next> set_umask(const Target& to, Text text) {
  return store(to.line.overrides.umask, config::to_octal(text));
}
Converted<Next> set_level(const Target& to, Text text) {
  return store(to.line.overrides.loglevel, config::to_level(text));
}
Converted<Next> set_max_bytes(const Target& to, Text text) {
  return store(to.line.overrides.logfile_maxbytes, config::to_bytes(text));
}
Converted<Next> set_configuration(const Target& to, Text text) {
  return store<std::string>(to.line.configuration, text);
}
Converted<Next> ignore(const Target&, Text) {
  return Next::go_on;
}
Converted<Next> help(const Target& to, Text) {
  return end_with(to.line, DaemonCommandLine::Action::help);
}
Converted<Next> version(const Target& to, Text) {
  return end_with(to.line, DaemonCommandLine::Action::version);
}
Converted<Next> check(const Target& to, Text) {
  to.line.action = DaemonCommandLine::Action::check;
  return Next::go_on;
}

struct Entry {
  Option option;
  Take take;
};

// In the order of Supervisor's help text.
const std::vector<Entry>& entries() {
  using O = DaemonOverrides;
  static const std::vector<Entry> table{
      {{'c', "configuration", true, "FILENAME", "path of the configuration file (searched for if not given)"},
       set_configuration},
      {{'n', "nodaemon", false, "", "stay in the foreground, as nodaemon=true in the file does"},
       set_flag<&O::nodaemon>},
      {{'s', "silent", false, "", "do not echo the log on stdout, as silent=true in the file does"},
       set_flag<&O::silent>},
      {{'h', "help", false, "", "show this text and exit"}, help},
      {{'?', "", false, "", ""}, help},
      {{'v', "version", false, "", "show the version number and exit"}, version},
      {{'u', "user", true, "USER", "run as this user, a name or a numeric uid"}, set_text<&O::user>},
      {{'m', "umask", true, "UMASK", "octal umask of the daemon and its children (default 022)"}, set_umask},
      {{'d', "directory", true, "DIRECTORY", "directory to work in once daemonized"}, set_directory<&O::directory>},
      {{'l', "logfile", true, "FILENAME", "use FILENAME as logfile path"}, set_file<&O::logfile>},
      {{'y', "logfile_maxbytes", true, "BYTES", "rotate the logfile before it grows beyond BYTES"}, set_max_bytes},
      {{'z', "logfile_backups", true, "NUM", "keep NUM rotated logfiles"}, set_integer<&O::logfile_backups>},
      {{'e', "loglevel", true, "LEVEL", "log messages of LEVEL and above (debug,info,warn,error,critical)"}, set_level},
      {{'j', "pidfile", true, "FILENAME", "write the daemon's pid to FILENAME"}, set_file<&O::pidfile>},
      {{'i', "identifier", true, "STR", "name of this instance, for clients that talk to several"},
       set_text<&O::identifier>},
      {{'q', "childlogdir", true, "DIRECTORY", "directory of the children's automatic logs"},
       set_directory<&O::childlogdir>},
      {{'k', "nocleanup", false, "", "leave the automatic child logs of earlier runs where they are"},
       set_flag<&O::nocleanup>},
      {{'a', "minfds", true, "NUM", "file descriptors that must be available at start"}, set_integer<&O::minfds>},
      {{'t', "strip_ansi", false, "", "remove ANSI escape sequences from the children's output"},
       set_flag<&O::strip_ansi>},
      {.option = {.long_name = "minprocs",
                  .takes_value = true,
                  .help = "processes that must be available at start",
                  .shown = "--minprocs NUM "},
       .take = set_integer<&O::minprocs>},
      {{0, "profile_options", true, "OPTIONS", "accepted for compatibility, without effect"}, ignore},
      {.option = {.long_name = "check", .exact_only = true}, .take = check},
  };
  return table;
}

std::vector<Option> options() {
  std::vector<Option> options;
  for (const Entry& entry : entries())
    options.push_back(entry.option);
  return options;
}

}  // namespace

std::expected<DaemonCommandLine, std::string> parse_daemon_options(const std::vector<std::string>& arguments,
                                                                   const config::Host& host) {
  const std::vector<Option> table = options();
  const auto parsed = parse(arguments, table);
  if (!parsed) return std::unexpected(parsed.error());
  if (!parsed->words.empty()) return std::unexpected(unexpected_words(parsed->words));
  DaemonCommandLine line;
  const Target target{line, host};
  const auto taken = take_each(*parsed, [&](const Given& given) {
    return entries()[static_cast<std::size_t>(given.option - table.data())].take(target, given.value);
  });
  if (!taken) return std::unexpected(taken.error());
  return line;
}

std::string daemon_help(std::string_view program) {
  constexpr HelpPage page{"supervisord -- run a set of applications as daemons.", "[options]",
                          "The option --check reads the configuration, reports every problem in it and\nexits without "
                          "starting anything.\n"};
  return help_text(page, options(), program);
}

}  // namespace sup::cli
