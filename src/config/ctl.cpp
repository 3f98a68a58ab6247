#include <fmt/format.h>

#include <utility>

#include "config/load.h"
#include "config/paths.h"
#include "config/reader.h"
#include "config/sections.h"
#include "config/sources.h"

namespace sup::config {
namespace {

consteval OptionRow option(std::string_view name) {
  return row(tables::supervisorctl, name);
}
constexpr OptionRow factory_row = row(tables::ctlplugin, "supervisor.ctl_factory");
constexpr std::string_view unix_scheme = "unix://";
constexpr std::string_view own_name = "supervisorctl";
constexpr std::string_view plugin_prefix = "ctlplugin:";

// The daemon's sections may be many.
bool is_ours(std::string_view section) {
  return section == own_name || section.starts_with(plugin_prefix);
}

Ctl read_section(const Sources& sources, const IniSection& section, const Host& host, std::vector<Problem>& problems) {
  const Scope environment = environment_scope(host);
  Scope with_here(&environment);
  with_here.set("here", sources.here);
  Reader reader(sources.document, section, problems);
  Ctl ctl;
  if (auto url = reader.text(option("serverurl"), with_here)) ctl.serverurl = std::move(*url);
  if (ctl.serverurl.starts_with(unix_scheme)) {
    ctl.serverurl = std::string(unix_scheme) + normalize_path(ctl.serverurl.substr(unix_scheme.size()), host);
  }
  if (auto prompt = reader.text(option("prompt"), environment)) ctl.prompt = std::move(*prompt);
  reader.read(option("username"), environment, ctl.username);
  reader.read(option("password"), environment, ctl.password);
  if (const auto history = reader.text(option("history_file"), with_here); history && !history->empty()) {
    ctl.history_file = normalize_path(*history, host);
  }
  return ctl;
}

// There are none that could be loaded. Refused like one that is missing, and never ignored: its commands would be missed.
void refuse_plugins(const Sources& sources, const Scope& names, std::vector<Problem>& problems) {
  for (const auto& section : sources.document.sections()) {
    if (!section.name().starts_with(plugin_prefix)) continue;
    Reader reader(sources.document, section, problems);
    if (reader.raw(factory_row) == nullptr) {
      reader.fail_section(fmt::format("section [{}] does not specify a {}", section.name(), factory_row.name));
    } else if (const auto spec = reader.text(factory_row, names)) {
      reader.fail(factory_row, unresolved(*spec, section.name(), {}));
    }
  }
}

}  // namespace

std::expected<Ctl, Problem> load_ctl(const std::string& path, const Host& host) {
  Sources sources = read_main(path, host, is_ours);
  std::vector<Problem> problems = std::move(sources.problems);
  if (!problems.empty()) return std::unexpected(std::move(problems.front()));
  const auto* section = sources.document.find(own_name);
  if (section == nullptr) {
    Place place{std::make_shared<const std::string>(path), 0};
    Problem problem{".ini file does not include supervisorctl section", std::move(place),
                    "add a [supervisorctl] section"};
    return std::unexpected(std::move(problem));
  }
  Ctl ctl = read_section(sources, *section, host, problems);
  refuse_plugins(sources, environment_scope(host), problems);
  if (!problems.empty()) return std::unexpected(std::move(problems.front()));
  return ctl;
}

std::optional<std::string> find_default(const std::string& program, const Host& host, std::vector<std::string>* tried) {
  const std::string above = directory_of(directory_of(program));
  const std::vector<std::string> candidates{join_path(above, "etc/supervisord.conf"),
                                            join_path(above, "supervisord.conf"),
                                            "supervisord.conf",
                                            "etc/supervisord.conf",
                                            "/etc/supervisord.conf",
                                            "/etc/supervisor/supervisord.conf"};
  if (tried != nullptr) *tried = candidates;
  for (const auto& candidate : candidates)
    if (host.exists(candidate)) return candidate;
  return std::nullopt;
}

}  // namespace sup::config
