#include "ctl/main.h"

#include "base/strings.h"
#include "cli/options.h"
#include "ctl/complete.h"
#include "ctl/console.h"
#include "ctl/http_remote.h"
#include "ctl/session.h"
#include "ctl/settings.h"
#include "ctl/shell.h"

namespace sup::ctl {
namespace {

void run_interactively(Session& session, Console& console, const Settings& settings) {
  Completer completer(session);
  console.leave_on_interrupt();
  console.offer_editing([&](std::string_view line, std::string_view word) { return completer.candidates(line, word); },
                        settings.history_file);
  run_shell(session, settings.prompt + "> ", [&] {
    console.save_history();
    completer.forget();
  });
}

}  // namespace

int run(const std::string& program, const std::vector<std::string>& arguments, const config::Host& host) {
  Console console;
  const auto settings = read_settings(arguments, program, host);
  if (!settings) {
    console.complain(cli::usage_error(settings.error(), program));
    return cli::usage_exit_code;
  }
  if (settings->help) {
    console.write(help_text(program));
    return 0;
  }
  HttpRemote remote;
  Session session(remote, console, settings->server, settings->interactive);
  if (settings->words.empty()) {
    run_interactively(session, console, *settings);
    return 0;
  }
  execute(session, join(settings->words, " "));
  return session.status();
}

}  // namespace sup::ctl
