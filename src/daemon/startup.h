// Steps of starting up that stand on their own: each does one thing to the system and says what came of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "keeper/client.h"
#include "logs/main_log.h"
#include "os/limits.h"

namespace sup::daemon {

// Messages that are due before the log is open; logged in Supervisor's order: critical ones, warnings, the rest.
class EarlyMessages {
 public:
  void add(Level level, std::string text) { messages_.push_back({level, std::move(text)}); }
  void write_to(Log& log) const;

 private:
  std::vector<config::Notice> messages_;
};

// The keeper and this process become the configured user. The Error is fatal: its text is for the usage exit.
[[nodiscard]] Result<> take_identity(const config::Daemon& daemon, keeper::Client& keeper, EarlyMessages& messages);

// Raises RLIMIT_NOFILE and RLIMIT_NPROC of the children to minfds and minprocs; fatal as above. This process, whose
// descriptors grow with the number of children, takes as many as the hard limit allows.
[[nodiscard]] Result<> raise_limits(const config::Daemon& daemon, keeper::Client& keeper, EarlyMessages& messages);
void use_all_descriptors();

// How many descriptors the manager or the keeper, whichever needs more, has open when all programs of the configuration
// run.
[[nodiscard]] long long descriptors_needed(const config::Config& config);
// A warning if the limit of open files is below that: it names the limit and what it has to be.
void check_capacity(const config::Config& config, EarlyMessages& messages);

// What a limit has to become for at least `minimum`; nullopt when it is enough.
[[nodiscard]] std::optional<os::Limit> raised(os::Limit limit, long long minimum);

// Removes AUTO child logs that an earlier daemon of this identifier left behind.
void clear_child_logs(const std::string& directory, std::string_view identifier, Log& log);

// Was this name made for an AUTO child log of that identifier?
[[nodiscard]] bool is_child_log(std::string_view file_name, std::string_view identifier);

// SUPERVISOR_SERVER_URL of the children: the first unix socket, else the first TCP port, else empty.
[[nodiscard]] std::string server_url(const config::Config& config);

[[nodiscard]] logs::MainLog::Plan main_log_plan(const config::Daemon& daemon);

// Daemon mode: the keeper and this process leave terminal, directory and umask behind.
void detach(const config::Daemon& daemon, keeper::Client& keeper, Log& log);

}  // namespace sup::daemon
