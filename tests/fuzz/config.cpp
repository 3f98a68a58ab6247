// The whole way from files to a Config, on a machine in memory. A line of three percent signs separates the main file
// from one that it may include.
#include <algorithm>
#include <string>
#include <tuple>

#include "config/diff.h"
#include "config/dump.h"
#include "config/load.h"
#include "fuzz/fuzz.h"
#include "fuzz/machine.h"

namespace sup::fuzz {
namespace {

using config::Config;
using config::Group;
using config::Problem;

void check(const Config& config) {
  std::vector<const Group*> groups;
  for (const auto& group : config.groups) {
    groups.push_back(group.get());
    require(group->sockets.empty() || group->sockets.size() == group->processes.size(), "each process has its socket");
    for (const auto& process : group->processes)
      require(process.program != nullptr && process.instance != nullptr, "a process has its options");
  }
  require(std::ranges::is_sorted(groups, {}, [](const Group* g) { return std::tie(g->priority, g->name); }),
          "groups are sorted");
  const auto changes = config::diff(groups, config.groups);
  require(changes.added.empty() && changes.changed.empty() && changes.removed.empty(),
          "a configuration does not differ from itself");
}

void check(const std::vector<Problem>& first, const std::vector<Problem>& all) {
  require(first.size() == 1 && !all.empty(), "a refusal has its reason");
  require(first.front().message == all.front().message, "looking for more does not change the first problem");
  for (const Problem& problem : all)
    require(!problem.message.empty() && problem.place.line >= 0, "problems can be shown");
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const std::string_view text = text_of(data, size);
  if (asks_for_much(text)) return 0;
  const auto machine = machine_with(text);
  const auto loaded = sup::config::load(main_file, machine);
  const auto checked = sup::config::load(main_file, machine, {}, true);
  require(loaded.has_value() == checked.has_value(), "looking for more problems finds none in a good file");
  if (loaded) {
    check(*loaded);
    require(sup::config::dump(*loaded) == sup::config::dump(*checked), "the same files have the same meaning");
  } else {
    check(loaded.error(), checked.error());
  }
  for (const auto& unknown : sup::config::unknown_names(main_file, machine))
    require(!unknown.message.empty(), "an unknown name is told");
  if (const auto ctl = sup::config::load_ctl(main_file, machine)) (void)sup::config::dump(*ctl);
  return 0;
}
