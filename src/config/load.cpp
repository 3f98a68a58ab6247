#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/strings.h"
#include "config/paths.h"
#include "config/sections.h"
#include "config/sources.h"
#include "config/types.h"

namespace sup::config {
namespace {

template <class Target, class Value>
void replace(Target& target, const std::optional<Value>& value) {
  if (value) target = *value;
}

void apply(const DaemonOverrides& overrides, Daemon& daemon) {
  replace(daemon.directory, overrides.directory);
  if (overrides.user) daemon.user = User{*overrides.user, 0};
  replace(daemon.logfile, overrides.logfile);
  replace(daemon.pidfile, overrides.pidfile);
  replace(daemon.identifier, overrides.identifier);
  replace(daemon.childlogdir, overrides.childlogdir);
  replace(daemon.umask, overrides.umask);
  replace(daemon.logfile_maxbytes, overrides.logfile_maxbytes);
  replace(daemon.logfile_backups, overrides.logfile_backups);
  replace(daemon.minfds, overrides.minfds);
  replace(daemon.minprocs, overrides.minprocs);
  replace(daemon.loglevel, overrides.loglevel);
  replace(daemon.nodaemon, overrides.nodaemon);
  replace(daemon.silent, overrides.silent);
  replace(daemon.nocleanup, overrides.nocleanup);
  replace(daemon.strip_ansi, overrides.strip_ansi);
}

// What Supervisor does once the command line has been merged in.
void complete(Building& building, const IniSection& section, Daemon& daemon) {
  if (daemon.user) {
    if (auto user = to_user(daemon.user->name, building.host)) {
      daemon.user = std::move(*user);
    } else {
      const auto* option = section.find("user");
      if (option != nullptr) user.error().place = option->place;  // else it is from the command line
      building.problems.push_back(std::move(user.error()));
    }
  }
  if (daemon.logfile != "syslog") daemon.logfile = normalize_path(daemon.logfile, building.host);
  daemon.pidfile = normalize_path(daemon.pidfile, building.host);
}

std::unexpected<std::vector<Problem>> refusal(std::vector<Problem> problems, bool all) {
  if (!all) problems.resize(1);
  return std::unexpected(std::move(problems));
}

}  // namespace

void Building::warn(std::string text) {
  if (noticed.insert(text).second) notices.push_back({Level::warn, std::move(text)});
}

Parsed<User> Building::find_user(std::string_view text) {
  const auto known = users.find(std::string(text));
  if (known != users.end()) return known->second;
  auto user = to_user(text, host);
  if (user) users.emplace(std::string(text), *user);
  return user;
}

std::shared_ptr<const ProgramOptions> Building::shared(const ProgramOptions& options) {
  constexpr std::size_t remembered = 16;
  for (const auto& program : programs)
    if (*program == options) return program;
  if (programs.size() == remembered) programs.erase(programs.begin());
  return programs.emplace_back(std::make_shared<const ProgramOptions>(options));
}

std::string_view name_of(const IniSection& section) {
  const std::string_view name = section.name();
  return name.substr(name.find(':') + 1);
}

Problem unresolved(std::string_view spec, std::string_view section, std::string_view only) {
  const auto colon = spec.find(':');
  const auto module = trim(spec.substr(0, colon));
  const auto attribute = colon == spec.npos ? std::string_view() : trim(spec.substr(colon + 1));
  const bool exists = module == only.substr(0, only.find(':')) && !attribute.empty();
  std::string reason = exists
                           ? fmt::format("module {} has no attribute {}", python_repr(module), python_repr(attribute))
                           : fmt::format("No module named {}", python_repr(module.substr(0, module.find('.'))));
  return {fmt::format("{} cannot be resolved within [{}]: {}", spec, section, reason),
          {},
          fmt::format("Python code cannot be loaded: {}remove this section",
                      only.empty() ? std::string() : fmt::format("use {}, or ", only))};
}

std::string describe_place(const Problem& problem) {
  if (!problem.place.file || problem.place.line == 0) return {};
  std::string out = fmt::format("  file {}, line {}\n", *problem.place.file, problem.place.line);
  if (!problem.hint.empty()) out += fmt::format("  hint: {}\n", problem.hint);
  return out;
}

std::expected<Config, std::vector<Problem>> load(const std::string& path, const Host& host,
                                                 const DaemonOverrides& overrides, bool all) {
  Scope environment = environment_scope(host);
  Sources sources = read_sources(path, host, environment);
  const auto* main_section = sources.document.find("supervisord");
  if (sources.usable && main_section == nullptr && sources.problems.empty()) {
    Place place{std::make_shared<const std::string>(path), 0};
    Problem problem{".ini file does not include supervisord section", std::move(place), "add a [supervisord] section"};
    sources.problems.push_back(std::move(problem));
  }
  if (main_section == nullptr || (!all && !sources.problems.empty())) return refusal(std::move(sources.problems), all);

  Building building{sources.document,
                    host,
                    path,
                    sources.here,
                    host.host_name(),
                    std::move(environment),
                    {},
                    std::move(sources.problems),
                    std::move(sources.notices)};
  Config config;
  config.path = absolute_path(path, host);
  config.here = sources.here;
  config.daemon = read_daemon(building, *main_section);
  config.rpc_interfaces = read_rpc_interfaces(building);
  for (Group& group : read_groups(building))
    config.groups.push_back(std::make_shared<const Group>(std::move(group)));
  config.inet_servers = read_inet_servers(building);
  config.unix_servers = read_unix_servers(building);
  apply(overrides, config.daemon);
  complete(building, *main_section, config.daemon);
  if (!building.problems.empty()) return refusal(std::move(building.problems), all);

  config.notices = std::move(building.notices);
  std::stable_sort(config.notices.begin(), config.notices.end(),
                   [](const Notice& a, const Notice& b) { return a.level > b.level; });
  return config;
}

}  // namespace sup::config
