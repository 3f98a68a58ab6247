#include "daemon/startup.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/strings.h"
#include "base/unique_fd.h"
#include "os/identity.h"
#include "os/signals.h"

namespace sup::daemon {
namespace {

constexpr std::string_view root_warning =
    "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  "
    "If you intend to run as root, you can set user=root in the config file to avoid this message.";

struct LimitRule {
  int resource;
  const char* name;
  long long minimum;
  const char* complaint;  // with the minimum and the hard limit
};

constexpr const char* nofile_complaint =
    "The minimum number of file descriptors required to run this process is {} as per the \"minfds\" command-line "
    "argument or config file setting. The current environment will only allow you to open {} file descriptors.  Either "
    "raise the number of usable file descriptors in your environment (see README.rst) or lower the minfds setting in "
    "the config file to allow the process to start.";
constexpr const char* nproc_complaint =
    "The minimum number of available processes required to run this program is {} as per the \"minprocs\" command-line "
    "argument or config file setting. The current environment will only allow you to open {} processes.  Either raise "
    "the number of usable processes in your environment (see README.rst) or lower the minprocs setting in the config "
    "file to allow the program to start.";

// The limit that children shall have, or nullopt when what we have is enough.
Result<std::optional<os::Limit>> raise_limit(const LimitRule& rule, EarlyMessages& messages) {
  auto limit = os::get_limit(rule.resource);
  if (!limit) return std::unexpected(limit.error());
  const auto wanted = raised(*limit, rule.minimum);
  if (!wanted) return std::nullopt;
  if (!os::set_limit(rule.resource, *wanted)) {
    // Supervisor shows the minimum here when that is what was asked of the hard limit.
    return fail(fmt::format(fmt::runtime(rule.complaint), rule.minimum, wanted->hard));
  }
  messages.add(Level::info, fmt::format("Increased {} limit to {}", rule.name, rule.minimum));
  return wanted;
}

std::string directory_problem(const std::string& directory, int code) {
  return fmt::format("can't chdir into {}: [Errno {}] {}: {}", python_repr(directory), code,
                     system_error("", {}, code).text.substr(2), python_repr(directory));
}

}  // namespace

void EarlyMessages::write_to(Log& log) const {
  const auto write = [&](auto&& belongs) {
    for (const config::Notice& message : messages_) {
      if (belongs(message.level)) log.write(message.level, message.text);
    }
  };
  write([](Level level) { return level >= Level::critical; });
  write([](Level level) { return level < Level::critical && level >= Level::warn; });
  write([](Level level) { return level < Level::warn; });
}

std::optional<os::Limit> raised(os::Limit limit, long long minimum) {
  const auto least = static_cast<rlim_t>(std::max(minimum, 0LL));
  if (limit.soft == RLIM_INFINITY || limit.soft >= least) return std::nullopt;
  limit.soft = least;
  if (limit.hard != RLIM_INFINITY) limit.hard = std::max(limit.hard, least);
  return limit;
}

Result<> take_identity(const config::Daemon& daemon, keeper::Client& keeper, EarlyMessages& messages) {
  if (!daemon.user) {
    if (getuid() == 0) messages.add(Level::critical, std::string(root_warning));
    return {};
  }
  const uid_t uid = daemon.user->uid;
  if (getuid() != uid) {
    const auto user = os::find_user(uid);
    if (!user) return std::unexpected(user.error());
    const std::vector<gid_t> groups = os::groups_of(*user);
    if (getuid() != 0) return fail("Can't drop privilege as nonroot user", EPERM);
    keeper::KeeperSettings settings;
    settings.identity = keeper::Identity{user->uid, user->gid, groups};
    if (auto done = keeper.configure(settings); !done) return done;
    if (auto done = os::drop_privileges(user->uid, user->gid, groups); !done) return done;
    os::end_with_parent();
  }
  messages.add(Level::info, fmt::format("Set uid to user {} succeeded", uid));
  return {};
}

Result<> raise_limits(const config::Daemon& daemon, keeper::Client& keeper, EarlyMessages& messages) {
  keeper::KeeperSettings settings;
  auto files = raise_limit({RLIMIT_NOFILE, "RLIMIT_NOFILE", daemon.minfds, nofile_complaint}, messages);
  if (!files) return std::unexpected(files.error());
  auto processes = raise_limit({RLIMIT_NPROC, "RLIMIT_NPROC", daemon.minprocs, nproc_complaint}, messages);
  if (!processes) return std::unexpected(processes.error());
  if (*files || *processes) {
    settings.open_files = *files;
    settings.processes = *processes;
    if (auto done = keeper.configure(settings); !done) return done;
  }
  use_all_descriptors();
  return {};
}

void use_all_descriptors() {
  if (auto limit = os::get_limit(RLIMIT_NOFILE); limit && limit->soft != limit->hard) {
    limit->soft = limit->hard;
    (void)os::set_limit(RLIMIT_NOFILE, *limit);  // best effort: what cannot be raised is still enough for minfds
  }
}

long long descriptors_needed(const config::Config& config) {
  constexpr long long own = 64;  // sockets, logs, connections of a few clients
  long long keeper = own;   // a pipe each for standard input, output and error
  long long manager = own;  // those for output and error, and the files they go to
  for (const auto& group : config.groups) {
    for (const config::Process& process : group->processes) {
      const auto channel = [](const config::LogTarget& log) {
        return log.kind == config::LogTarget::Kind::none ? 1LL : 2LL;
      };
      const bool has_stderr = !process.program->redirect_stderr;
      keeper += has_stderr ? 3 : 2;
      manager += channel(process.instance->out) + (has_stderr ? channel(process.instance->err) : 0);
      if (group->pool) manager += 1;  // listeners are written to
    }
  }
  return std::max(keeper, manager);
}

void check_capacity(const config::Config& config, EarlyMessages& messages) {
  const auto limit = os::get_limit(RLIMIT_NOFILE);
  const long long needed = descriptors_needed(config);
  if (!limit || limit->hard == RLIM_INFINITY || static_cast<rlim_t>(needed) <= limit->hard) return;
  messages.add(Level::warn, fmt::format("all programs of the configuration together need about {} open files, and the "
                                        "limit is {}: raise the hard limit of open files (LimitNOFILE= of a systemd "
                                        "unit, ulimit -Hn) or minfds to {}, or programs that do not fit will not start",
                                        needed, limit->hard, needed));
}

bool is_child_log(std::string_view file_name, std::string_view identifier) {
  const std::string mark = fmt::format("---{}-", identifier);
  for (auto at = file_name.find(mark, 1); at != file_name.npos; at = file_name.find(mark, at + 1)) {
    const std::string_view rest = file_name.substr(at + mark.size());
    const auto end = rest.find(".log", 1);
    if (end != rest.npos && std::none_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(end), is_space)) return true;
  }
  return false;
}

void clear_child_logs(const std::string& directory, std::string_view identifier, Log& log) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (!stream) {
    log(Level::warn, "Could not clear childlog dir");
    return;
  }
  while (const dirent* item = readdir(stream.get())) {
    if (!is_child_log(item->d_name, identifier)) continue;
    const std::string path = directory + "/" + item->d_name;
    if (unlink(path.c_str()) != 0) log(Level::warn, "Failed to clean up {}", python_repr(path));
  }
}

std::string server_url(const config::Config& config) {
  if (!config.unix_servers.empty()) return "unix://" + config.unix_servers.front().path;
  if (config.inet_servers.empty()) return {};
  const config::InetServer& server = config.inet_servers.front();
  return fmt::format("http://{}:{}", server.host.empty() ? "localhost" : server.host, server.port);
}

logs::MainLog::Plan main_log_plan(const config::Daemon& daemon) {
  logs::MainLog::Plan plan;
  plan.level = daemon.loglevel;
  plan.to_stdout = daemon.nodaemon && !daemon.silent;
  plan.to_syslog = daemon.logfile == "syslog";
  plan.file = {daemon.logfile, daemon.logfile_maxbytes, daemon.logfile_backups};
  return plan;
}

void detach(const config::Daemon& daemon, keeper::Client& keeper, Log& log) {
  log(Level::info, "daemonizing the supervisord process");
  keeper::KeeperSettings settings;
  settings.detach = true;
  settings.umask = daemon.umask;
  if (daemon.directory) {
    if (chdir(daemon.directory->c_str()) != 0) {
      log(Level::critical, "{}", directory_problem(*daemon.directory, errno));
    } else {
      settings.directory = *daemon.directory;
      log(Level::info, "set current directory: {}", python_repr(*daemon.directory));
    }
  }
  if (const auto done = keeper.configure(settings); !done) log(Level::critical, "{}", done.error().text);
  umask(daemon.umask);
  // Whoever started us may be waiting for the end of our output.
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = STDIN_FILENO; null && fd <= STDERR_FILENO; ++fd) dup2(null.get(), fd);
}

}  // namespace sup::daemon
