#include <fmt/format.h>

#include "config/paths.h"
#include "config/reader.h"
#include "config/sections.h"
#include "config/shell_words.h"

namespace sup::config {
namespace {

consteval OptionRow option(std::string_view name) {
  return row(tables::supervisord, name);
}

// Python's tempfile.gettempdir().
std::string temporary_directory(const Host& host) {
  for (const auto& candidate : host.temporary_directories())
    if (host.is_directory(candidate)) return absolute_path(candidate, host);
  return host.working_directory();
}

void read_environment(Building& building, Reader& reader, const Scope& names, Daemon& daemon) {
  constexpr auto environment = option("environment");
  const auto* raw = reader.raw(environment);
  if (raw == nullptr) return;
  Scope scope(&names);
  scope.set("host_node_name", building.node);
  const auto text = reader.expanded(environment, raw->value, scope, "environment");
  if (!text) return;
  auto variables = parse_environment(*text);
  if (!variables) {
    reader.fail(environment, std::move(variables.error()), "expected KEY=\"value\",KEY2=\"value2\"");
    return;
  }
  daemon.environment = std::move(*variables);
  for (const auto& [name, value] : daemon.environment)
    building.environment.set("ENV_" + name, value);
  building.daemon_environment = daemon.environment;
}

}  // namespace

Daemon read_daemon(Building& building, const IniSection& section) {
  const Host& host = building.host;
  Reader reader(building.document, section, building.problems);
  Scope names(&building.environment);
  names.set("here", building.here);
  Daemon daemon;
  std::optional<std::string> user;
  reader.read(option("minfds"), names, daemon.minfds, to_integer);
  reader.read(option("minprocs"), names, daemon.minprocs, to_integer);
  reader.read(option("directory"), names, daemon.directory, to_existing_directory, host);
  if (reader.read(option("user"), names, user)) daemon.user = User{*user, 0};
  reader.read(option("umask"), names, daemon.umask, to_octal);
  reader.read(option("logfile"), names, daemon.logfile, to_path_in_directory, host);
  reader.read(option("logfile_maxbytes"), names, daemon.logfile_maxbytes, to_bytes);
  reader.read(option("logfile_backups"), names, daemon.logfile_backups, to_integer);
  reader.read(option("loglevel"), names, daemon.loglevel, to_level);
  reader.read(option("pidfile"), names, daemon.pidfile, to_path_in_directory, host);
  if (auto identifier = reader.text(option("identifier"), names)) daemon.identifier = std::move(*identifier);
  reader.read(option("nodaemon"), names, daemon.nodaemon, to_boolean);
  reader.read(option("silent"), names, daemon.silent, to_boolean);
  if (!reader.read(option("childlogdir"), names, daemon.childlogdir, to_existing_directory, host)) {
    daemon.childlogdir = temporary_directory(host);
  }
  reader.read(option("nocleanup"), names, daemon.nocleanup, to_boolean);
  reader.read(option("strip_ansi"), names, daemon.strip_ansi, to_boolean);
  reader.read(option("adopt"), names, daemon.adopt, to_boolean);
  read_environment(building, reader, names, daemon);
  return daemon;
}

}  // namespace sup::config
