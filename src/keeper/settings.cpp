#include "keeper/settings.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "os/identity.h"
#include "os/limits.h"
#include "os/oom_score.h"

namespace sup::keeper {
namespace {

Result<> detach() {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return std::unexpected(system_error("open", "/dev/null", errno));
  for (int fd = 0; fd < 3; ++fd) {
    if (dup2(null.get(), fd) < 0) return std::unexpected(system_error("dup2", "/dev/null", errno));
  }
  setsid();  // fails only when we lead a session already
  return {};
}

// `limit` is for the children; we need its hard limit, and take all of it.
Result<> limit_open_files(const os::Limit& limit, Spawner& spawner) {
  if (auto set = os::set_limit(RLIMIT_NOFILE, {limit.hard, limit.hard}); !set) return set;
  spawner.set_open_files(limit);
  return {};
}

}  // namespace

Result<> apply(const KeeperSettings& settings, Spawner& spawner) {
  if (settings.identity) {
    const Identity& identity = *settings.identity;
    if (auto done = os::drop_privileges(identity.uid, identity.gid, identity.groups); !done) return done;
  }
  if (settings.open_files) {
    if (auto done = limit_open_files(*settings.open_files, spawner); !done) return done;
  }
  if (settings.processes) {
    if (auto done = os::set_limit(RLIMIT_NPROC, *settings.processes); !done) return done;
  }
  if (!settings.directory.empty() && chdir(settings.directory.c_str()) != 0) {
    return std::unexpected(system_error("chdir", settings.directory, errno));
  }
  if (settings.detach) {
    if (auto done = detach(); !done) return done;
  }
  if (settings.umask) umask(*settings.umask);
  return {};
}

void take_all_descriptors(Spawner& spawner) {
  const auto limit = os::get_limit(RLIMIT_NOFILE);
  if (!limit) return;
  if (os::set_limit(RLIMIT_NOFILE, {limit->hard, limit->hard})) spawner.set_open_files(*limit);
}

void refuse_to_die_for_memory(Spawner& spawner) {
  constexpr std::string_view never = "-1000";
  std::string before = os::oom_score_adjustment();
  if (before.empty() || before == never || !os::set_oom_score_adjustment(never)) return;
  spawner.set_oom_score(std::move(before));
}

}  // namespace sup::keeper
