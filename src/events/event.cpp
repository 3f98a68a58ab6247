#include "events/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace sup::events {
namespace {

struct Row {
  Type type;
  Type parent;  // the root is its own
  std::string_view name;
};

// In the order of Type. A parent comes before its children.
constexpr std::array<Row, type_count> rows{{
    {Type::event, Type::event, "EVENT"},
    {Type::process_state, Type::event, "PROCESS_STATE"},
    {Type::process_state_starting, Type::process_state, "PROCESS_STATE_STARTING"},
    {Type::process_state_running, Type::process_state, "PROCESS_STATE_RUNNING"},
    {Type::process_state_backoff, Type::process_state, "PROCESS_STATE_BACKOFF"},
    {Type::process_state_stopping, Type::process_state, "PROCESS_STATE_STOPPING"},
    {Type::process_state_exited, Type::process_state, "PROCESS_STATE_EXITED"},
    {Type::process_state_stopped, Type::process_state, "PROCESS_STATE_STOPPED"},
    {Type::process_state_fatal, Type::process_state, "PROCESS_STATE_FATAL"},
    {Type::process_state_unknown, Type::process_state, "PROCESS_STATE_UNKNOWN"},
    {Type::process_communication, Type::event, "PROCESS_COMMUNICATION"},
    {Type::process_communication_stdout, Type::process_communication, "PROCESS_COMMUNICATION_STDOUT"},
    {Type::process_communication_stderr, Type::process_communication, "PROCESS_COMMUNICATION_STDERR"},
    {Type::process_log, Type::event, "PROCESS_LOG"},
    {Type::process_log_stdout, Type::process_log, "PROCESS_LOG_STDOUT"},
    {Type::process_log_stderr, Type::process_log, "PROCESS_LOG_STDERR"},
    {Type::remote_communication, Type::event, "REMOTE_COMMUNICATION"},
    {Type::supervisor_state_change, Type::event, "SUPERVISOR_STATE_CHANGE"},
    {Type::supervisor_state_change_running, Type::supervisor_state_change, "SUPERVISOR_STATE_CHANGE_RUNNING"},
    {Type::supervisor_state_change_stopping, Type::supervisor_state_change, "SUPERVISOR_STATE_CHANGE_STOPPING"},
    {Type::tick, Type::event, "TICK"},
    {Type::tick_5, Type::tick, "TICK_5"},
    {Type::tick_60, Type::tick, "TICK_60"},
    {Type::tick_3600, Type::tick, "TICK_3600"},
    {Type::process_group, Type::event, "PROCESS_GROUP"},
    {Type::process_group_added, Type::process_group, "PROCESS_GROUP_ADDED"},
    {Type::process_group_removed, Type::process_group, "PROCESS_GROUP_REMOVED"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].type != static_cast<Type>(i) || rows[i].parent > rows[i].type) return false;
  }
  return true;
}
static_assert(in_order());
static_assert(type_count <= 64, "Subscription has one bit for each");

constexpr const Row& row(Type type) {
  return rows[static_cast<std::size_t>(type)];
}

std::string state_head(std::string_view process, std::string_view group, std::string_view from_state) {
  return fmt::format("processname:{} groupname:{} from_state:{}", process, group, from_state);
}

// What a child wrote, as the text that Supervisor makes of it.
std::string as_text(std::string_view data) {
  return is_utf8(data) ? std::string(data) : "Undecodable: " + python_bytes_repr(data);
}

}  // namespace

std::string_view type_name(Type type) noexcept {
  return row(type).name;
}

std::optional<Type> type_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(rows, name, &Row::name);
  if (found == rows.end()) return std::nullopt;
  return found->type;
}

bool is_a(Type type, Type ancestor) noexcept {
  while (type != ancestor && type != Type::event)
    type = row(type).parent;
  return type == ancestor;
}

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const Row& each : rows)
    names.emplace_back(each.name);
  return names;
}

Subscription::Subscription(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto type = type_named(name)) add(*type);
  }
}

void Subscription::add(Type type) noexcept {
  for (const Row& each : rows) {
    if (is_a(each.type, type)) bits_ |= std::uint64_t{1} << static_cast<unsigned>(each.type);
  }
}

std::string state_body(std::string_view process, std::string_view group, std::string_view from_state) {
  return state_head(process, group, from_state);
}

std::string state_body_tries(std::string_view process, std::string_view group, std::string_view from_state,
                             long long tries) {
  return state_head(process, group, from_state) + fmt::format(" tries:{}", tries);
}

std::string state_body_pid(std::string_view process, std::string_view group, std::string_view from_state, int pid) {
  return state_head(process, group, from_state) + fmt::format(" pid:{}", pid);
}

std::string exited_body(std::string_view process, std::string_view group, std::string_view from_state, bool expected,
                        int pid) {
  return state_head(process, group, from_state) + fmt::format(" expected:{} pid:{}", expected ? 1 : 0, pid);
}

std::string log_body(std::string_view process, std::string_view group, int pid, Channel channel,
                     std::string_view data) {
  return fmt::format("processname:{} groupname:{} pid:{} channel:{}\n{}", process, group, pid, channel_name(channel),
                     as_text(data));
}

std::string communication_body(std::string_view process, std::string_view group, int pid, std::string_view data) {
  return fmt::format("processname:{} groupname:{} pid:{}\n{}", process, group, pid, as_text(data));
}

std::string remote_body(std::string_view type, std::string_view data) {
  return fmt::format("type:{}\n{}", type, data);
}

std::string group_body(std::string_view group) {
  return fmt::format("groupname:{}\n", group);
}

std::string tick_body(std::int64_t when) {
  return fmt::format("when:{}", when);
}

std::string header_line(std::string_view identifier, std::uint64_t serial, std::string_view pool,
                        std::uint64_t pool_serial, const Event& event, Length length) {
  const std::size_t len = length == Length::bytes ? event.body.size() : event.characters ? *event.characters : utf8_length(event.body);
  return fmt::format("ver:3.0 server:{} serial:{} pool:{} poolserial:{} eventname:{} len:{}\n", identifier, serial,
                     pool, pool_serial, type_name(event.type), len);
}

}  // namespace sup::events
