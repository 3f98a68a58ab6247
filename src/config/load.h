// From files to a Config: reads what the system hands it, never the system itself.
//
//   sources -> ini.h (sections of options with places) -> include -> expand.h (%(name)s) -> typed options -> Config
//
// The rules, down to the message texts, are those of Supervisor's options.py; docs/configuration.md lists them.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace sup::config {

// What the loader must ask of the machine. os/config_host.h has the real one; tests have fakes.
class Host {
 public:
  virtual ~Host() = default;
  // Whole contents of a file; code ENOENT when it does not exist.
  [[nodiscard]] virtual Result<std::string> read_file(const std::string& path) const = 0;
  // Python's glob.glob(): absolute pattern in, matching paths out in any order.
  [[nodiscard]] virtual std::vector<std::string> glob(const std::string& pattern) const = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) const = 0;
  [[nodiscard]] virtual bool is_directory(const std::string& path) const = 0;
  [[nodiscard]] virtual std::string working_directory() const = 0;
  [[nodiscard]] virtual std::string host_name() const = 0;                       // Python's platform.node()
  [[nodiscard]] virtual std::string home() const = 0;                            // of `~`; empty when unknown
  [[nodiscard]] virtual std::string home_of(const std::string& user) const = 0;  // of `~user`; empty when unknown
  [[nodiscard]] virtual std::optional<std::uint32_t> uid_of(const std::string& user) const = 0;
  [[nodiscard]] virtual bool uid_exists(std::uint32_t uid) const = 0;
  [[nodiscard]] virtual std::optional<std::uint32_t> gid_of(const std::string& group) const = 0;
  [[nodiscard]] virtual bool gid_exists(std::uint32_t gid) const = 0;
  [[nodiscard]] virtual std::optional<std::uint32_t> primary_gid(std::uint32_t uid) const = 0;
  [[nodiscard]] virtual std::uint32_t uid() const = 0;                               // our own effective uid
  [[nodiscard]] virtual std::vector<std::string> temporary_directories() const = 0;  // Python's tempfile candidates
  [[nodiscard]] virtual const std::map<std::string, std::string>& environment() const = 0;
};

// The values of the command line that replace those of [supervisord]; absent ones do not.
struct DaemonOverrides {
  std::optional<std::string> directory, user, logfile, pidfile, identifier, childlogdir;
  std::optional<std::uint32_t> umask;
  std::optional<long long> logfile_maxbytes, logfile_backups, minfds, minprocs;
  std::optional<Level> loglevel;
  std::optional<bool> nodaemon, silent, nocleanup, strip_ansi;
};

// Reads the file at `path` (made absolute against the working directory) and everything it includes.
// On failure the first Problem is the one Supervisor would report; with `all` the others follow, for --check.
[[nodiscard]] std::expected<Config, std::vector<Problem>> load(const std::string& path, const Host& host,
                                                               const DaemonOverrides& overrides = {}, bool all = false);

// Only the [supervisorctl] section.
[[nodiscard]] std::expected<Ctl, Problem> load_ctl(const std::string& path, const Host& host);

// "  file /etc/x.conf, line 7\n  hint: ...\n"; nothing for a problem that is at no place in a file.
[[nodiscard]] std::string describe_place(const Problem& problem);

// Unknown sections and option names, with the nearest known name as hint: Supervisor ignores them silently.
[[nodiscard]] std::vector<Problem> unknown_names(const std::string& path, const Host& host);

// The first existing file of Supervisor's search list, or nullopt; `program` is argv[0]. `tried` gets the list.
[[nodiscard]] std::optional<std::string> find_default(const std::string& program, const Host& host,
                                                      std::vector<std::string>* tried = nullptr);

}  // namespace sup::config
