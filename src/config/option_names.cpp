#include "config/option_names.h"

#include <algorithm>

namespace sup::config {
namespace {

constexpr std::array sections = std::to_array<SectionInfo>({
    {SectionKind::unix_http_server, "unix_http_server"},
    {SectionKind::inet_http_server, "inet_http_server"},
    {SectionKind::supervisord, "supervisord"},
    {SectionKind::rpcinterface, "rpcinterface", true, true},
    {SectionKind::supervisorctl, "supervisorctl"},
    {SectionKind::ctlplugin, "ctlplugin", true, true},
    {SectionKind::program, "program", true},
    {SectionKind::eventlistener, "eventlistener", true},
    {SectionKind::fcgi_program, "fcgi-program", true},
    {SectionKind::group, "group", true},
    {SectionKind::include, "include"},
});

// events/event.cpp has the meaning of these; process/event_names_test.cpp keeps the two together.
constexpr std::array events = std::to_array<std::string_view>({
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
});

template <class... Tables>
std::vector<OptionRow> joined(const Tables&... tables) {
  std::vector<OptionRow> all;
  (all.insert(all.end(), tables.begin(), tables.end()), ...);
  return all;
}

}  // namespace

std::span<const SectionInfo> known_sections() {
  return sections;
}

const SectionInfo* section_info(std::string_view section) {
  for (const auto& info : sections) {
    const bool server = info.kind == SectionKind::unix_http_server || info.kind == SectionKind::inet_http_server;
    if (!section.starts_with(info.name)) continue;
    const auto rest = section.substr(info.name.size());
    if (server || (info.named ? rest.starts_with(':') : rest.empty())) return &info;
  }
  return nullptr;
}

std::vector<OptionRow> options_of(SectionKind kind) {
  switch (kind) {
    case SectionKind::supervisord:
      return joined(tables::supervisord);
    case SectionKind::unix_http_server:
      return joined(tables::unix_http_server, tables::http_server);
    case SectionKind::inet_http_server:
      return joined(tables::inet_http_server, tables::http_server);
    case SectionKind::supervisorctl:
      return joined(tables::supervisorctl);
    case SectionKind::include:
      return joined(tables::include);
    case SectionKind::program:
      return joined(tables::program);
    case SectionKind::eventlistener:
      return joined(tables::program, tables::eventlistener);
    case SectionKind::fcgi_program:
      return joined(tables::program, tables::fcgi_program);
    case SectionKind::group:
      return joined(tables::group);
    case SectionKind::rpcinterface:
      return joined(tables::rpcinterface);
    case SectionKind::ctlplugin:
      return joined(tables::ctlplugin);
  }
  return {};
}

bool is_event_name(std::string_view name) {
  return std::find(events.begin(), events.end(), name) != events.end();
}

std::span<const std::string_view> event_names() {
  return events;
}

}  // namespace sup::config
