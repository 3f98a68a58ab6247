// supervisord: the keeper, and, started with private arguments, the manager and everything that an upgrade needs.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/manager.h"
#include "keeper/keeper.h"
#include "os/process_title.h"
#include "os/self_path.h"

namespace {

// The descriptor of a private first argument, which is taken away; or none.
sup::UniqueFd take_private(std::vector<std::string>& arguments, std::string_view prefix) {
  if (arguments.empty() || !arguments.front().starts_with(prefix)) return {};
  sup::UniqueFd fd(std::atoi(arguments.front().c_str() + prefix.size()));
  arguments.erase(arguments.begin());
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  namespace keeper = sup::keeper;
  const std::string name = argc > 0 ? argv[0] : "supervisord";
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (auto socket = take_private(arguments, keeper::manager_argument)) {
    const bool daemonized = !arguments.empty() && arguments.front() == keeper::daemonized_argument;
    if (daemonized) arguments.erase(arguments.begin());
    sup::os::set_process_title(argc, argv, "supervisord: manager");
    return sup::daemon::run_manager(std::move(socket), daemonized, name, arguments);
  }
  if (auto state = take_private(arguments, keeper::keeper_argument)) {
    sup::os::hide_first_argument(argc, argv);
    return keeper::resume(std::move(state), name, arguments);
  }
  if (auto state = take_private(arguments, keeper::can_keep_argument)) return keeper::can_keep(std::move(state));
  if (auto file = take_private(arguments, keeper::can_take_over_argument)) {
    return sup::daemon::can_take_over(std::move(file), arguments);
  }
  const int code = sup::daemon::run_without_daemon(name, arguments);
  if (code >= 0) return code;
  return keeper::run(sup::os::self_path(name), name, arguments);
}
