#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "config/load.h"
#include "config/option_names.h"
#include "config/sources.h"
#include "config/spelling.h"

namespace sup::config {
namespace {

constexpr SectionKind all_kinds[] = {
    SectionKind::supervisord, SectionKind::unix_http_server, SectionKind::inet_http_server, SectionKind::supervisorctl,
    SectionKind::include,     SectionKind::program,          SectionKind::eventlistener,    SectionKind::fcgi_program,
    SectionKind::group,       SectionKind::rpcinterface,     SectionKind::ctlplugin,
};

std::vector<std::string_view> names_of(SectionKind kind) {
  std::vector<std::string_view> names;
  for (const auto& row : options_of(kind))
    names.push_back(row.name);
  return names;
}

bool has(SectionKind kind, std::string_view option) {
  const auto names = names_of(kind);
  return std::find(names.begin(), names.end(), option) != names.end();
}

std::string section_hint(std::string_view section) {
  std::string_view kind = section.substr(0, section.find(':'));
  std::vector<std::string_view> known;
  for (const auto& info : known_sections())
    known.push_back(info.name);
  const auto near = nearest(kind, known);
  if (near.empty()) return {};
  const auto rest = section.substr(kind.size());
  const auto* info = section_info(std::string(near) + std::string(rest));
  if (info != nullptr) return fmt::format("did you mean [{}{}]?", near, rest);
  return section_info(near) != nullptr ? fmt::format("did you mean [{}]?", near)
                                       : fmt::format("did you mean [{}:NAME]?", near);
}

std::string option_hint(SectionKind kind, std::string_view option) {
  for (const auto& info : known_sections()) {
    if (info.kind == kind || !has(info.kind, option)) continue;
    return fmt::format("it belongs into [{}{}]", info.name, info.named ? ":NAME" : "");
  }
  const auto near = nearest(option, names_of(kind));
  return near.empty() ? std::string() : fmt::format("did you mean {}?", near);
}

void check_section(const IniSection& section, std::vector<Problem>& found) {
  const auto* info = section_info(section.name());
  if (info == nullptr) {
    found.push_back(
        {fmt::format("unknown section [{}]", section.name()), section.place(), section_hint(section.name())});
    return;
  }
  if (info->open_ended) return;
  for (const auto& option : section.options()) {
    if (has(info->kind, option.name)) continue;
    found.push_back({fmt::format("unknown option {} in [{}]", option.name, section.name()), option.place,
                     option_hint(info->kind, option.name)});
  }
}

}  // namespace

std::vector<Problem> unknown_names(const std::string& path, const Host& host) {
  const Scope environment = environment_scope(host);
  const Sources sources = read_sources(path, host, environment);
  std::vector<Problem> found;
  // What [DEFAULT] says is meant for any section.
  for (const auto& option : sources.document.defaults().options()) {
    const bool known = std::any_of(std::begin(all_kinds), std::end(all_kinds),
                                   [&](SectionKind kind) { return has(kind, option.name); });
    if (!known) found.push_back({fmt::format("unknown option {} in [DEFAULT]", option.name), option.place, {}});
  }
  for (const auto& section : sources.document.sections())
    check_section(section, found);
  return found;
}

}  // namespace sup::config
