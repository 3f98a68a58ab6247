// supervisord: the keeper, and, started by it with a private argument, the manager.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/manager.h"
#include "keeper/keeper.h"
#include "os/process_title.h"
#include "os/self_path.h"

int main(int argc, char** argv) {
  const std::string name = argc > 0 ? argv[0] : "supervisord";
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (!arguments.empty() && arguments.front().starts_with(sup::keeper::manager_argument)) {
    const std::string_view prefix = sup::keeper::manager_argument;
    sup::UniqueFd keeper(std::atoi(arguments.front().c_str() + prefix.size()));
    arguments.erase(arguments.begin());
    const bool daemonized = !arguments.empty() && arguments.front() == sup::keeper::daemonized_argument;
    if (daemonized) arguments.erase(arguments.begin());
    sup::os::set_process_title(argc, argv, "supervisord: manager");
    return sup::daemon::run_manager(std::move(keeper), daemonized, name, arguments);
  }
  const int code = sup::daemon::run_without_daemon(name, arguments);
  if (code >= 0) return code;
  return sup::keeper::run(sup::os::self_path(name), name, arguments);
}
