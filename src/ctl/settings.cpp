#include "ctl/settings.h"

#include "cli/help.h"
#include "cli/options.h"
#include "ctl/url.h"

namespace sup::ctl {
namespace {

const std::vector<cli::Option>& options() {
  static const std::vector<cli::Option> table{
      {'c', "configuration", true, "FILENAME", "path of the configuration file (searched for if not given)"},
      {'h', "help", false, "", "show this text and exit"},
      {'?', "", false, "", ""},
      {'i', "interactive", false, "", "start an interactive shell after executing commands"},
      {'s', "serverurl", true, "URL", "where supervisord listens, http://HOST:PORT or unix:///PATH"},
      {'u', "username", true, "USERNAME", "who to be to the server"},
      {'p', "password", true, "PASSWORD", "the password that goes with it"},
      {'r', "history_file", true, "FILENAME", "keep what is typed in the shell in a file", false, "-r/--history-file"},
  };
  return table;
}

// What the command line sets, by short name.
struct CommandLine {
  bool help = false;
  bool interactive = false;
  std::optional<std::string> configuration, server_url, username, password, history_file;
};

std::expected<cli::Next, std::string> take(CommandLine& line, const cli::Given& given) {
  switch (given.option->short_name) {
    case 'c':
      line.configuration = given.value;
      break;
    case 'i':
      line.interactive = true;
      break;
    case 'u':
      line.username = given.value;
      break;
    case 'p':
      line.password = given.value;
      break;
    case 'r':
      line.history_file = given.value;
      break;
    case 's':
      if (const auto checked = check_url(given.value); !checked) return std::unexpected(checked.error());
      line.server_url = given.value;
      break;
    default:
      line.help = true;
      return cli::Next::stop;
  }
  return cli::Next::go_on;
}

void merge(Settings& settings, config::Ctl&& file) {
  settings.server = {std::move(file.serverurl), std::move(file.username), std::move(file.password)};
  settings.prompt = std::move(file.prompt);
  settings.history_file = std::move(file.history_file);
}

void merge(Settings& settings, CommandLine&& line) {
  if (line.server_url) settings.server.url = std::move(*line.server_url);
  if (line.username) settings.server.username = std::move(line.username);
  if (line.password) settings.server.password = std::move(line.password);
  if (line.history_file) settings.history_file = std::move(line.history_file);
  settings.interactive = line.interactive || settings.words.empty();
}

}  // namespace

std::expected<Settings, std::string> read_settings(const std::vector<std::string>& arguments,
                                                   const std::string& program, const config::Host& host) {
  auto parsed = cli::parse(arguments, options());
  if (!parsed) return std::unexpected(parsed.error());
  CommandLine line;
  const auto taken = cli::take_each(*parsed, [&](const cli::Given& given) { return take(line, given); });
  if (!taken) return std::unexpected(taken.error());
  Settings settings;
  settings.help = line.help;
  if (settings.help) return settings;
  const auto path = line.configuration ? line.configuration : config::find_default(program, host);
  if (path) {
    auto file = config::load_ctl(*path, host);
    if (!file) return std::unexpected(std::move(file.error().message));
    merge(settings, std::move(*file));
  }
  settings.words = std::move(parsed->words);
  merge(settings, std::move(line));
  return settings;
}

std::string help_text(std::string_view program) {
  constexpr cli::HelpPage page{"supervisorctl -- control applications run by supervisord from the cmd line.",
                               "[options] [action [arguments]]",
                               "The action is one command with its arguments, such as \"tail\" or \"stop\". Without\n"
                               "one a shell is started in which commands can be typed; \"help\" lists them.\n"};
  return cli::help_text(page, options(), program);
}

}  // namespace sup::ctl
