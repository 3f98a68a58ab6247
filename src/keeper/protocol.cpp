#include "keeper/protocol.h"

#include <utility>

namespace sup::keeper {
namespace {

enum PlanFlag : std::uint32_t {
  plan_umask = 1,
  plan_identity = 2,
  plan_stdin_from_socket = 4,
  plan_stderr_to_stdout = 8,
  plan_stop_as_group = 16,
  plan_kill_as_group = 32,
};

enum SettingsFlag : std::uint32_t {
  settings_identity = 1,
  settings_detach = 2,
  settings_umask = 4,
  settings_open_files = 8,
  settings_processes = 16,
};

std::uint32_t flag(bool set, std::uint32_t bit) {
  return set ? bit : 0;
}

void encode_groups(Writer& writer, const std::vector<gid_t>& groups) {
  writer.u32(static_cast<std::uint32_t>(groups.size()));
  for (const gid_t group : groups)
    writer.u32(group);
}

void decode_groups(Reader& reader, std::vector<gid_t>& groups) {
  groups.resize(reader.count(sizeof(std::uint32_t)));
  for (gid_t& group : groups)
    group = reader.u32();
}

void encode_limit(Writer& writer, const os::Limit& limit) {
  writer.u64(limit.soft);
  writer.u64(limit.hard);
}

os::Limit decode_limit(Reader& reader) {
  os::Limit limit;
  limit.soft = reader.u64();
  limit.hard = reader.u64();
  return limit;
}

}  // namespace

std::uint8_t which_fds(const UniqueFd& in, const UniqueFd& out, const UniqueFd& err) {
  return static_cast<std::uint8_t>((in ? has_in : 0) | (out ? has_out : 0) | (err ? has_err : 0));
}

bool take_fds(Frame& frame, std::uint8_t which, UniqueFd& in, UniqueFd& out, UniqueFd& err) {
  if (frame.lost) return true;
  std::size_t next = 0;
  const auto take = [&](std::uint8_t bit, UniqueFd& to) {
    if ((which & bit) == 0) return true;
    if (next == frame.fds.size()) return false;
    to = std::move(frame.fds[next++]);
    return true;
  };
  return take(has_in, in) && take(has_out, out) && take(has_err, err) && next == frame.fds.size();
}

void encode(Writer& writer, const Plan& plan) {
  writer.u32(flag(plan.umask.has_value(), plan_umask) | flag(plan.identity.has_value(), plan_identity) |
             flag(plan.stdin_from_socket, plan_stdin_from_socket) | flag(plan.stderr_to_stdout, plan_stderr_to_stdout) |
             flag(plan.stop_as_group, plan_stop_as_group) | flag(plan.kill_as_group, plan_kill_as_group));
  writer.u32(plan.umask.value_or(0));
  writer.i32(plan.stop_signal);
  writer.u32(plan.stop_wait_ms);
  const Identity identity = plan.identity.value_or(Identity{});
  writer.u32(identity.uid);
  writer.u32(identity.gid);
  encode_groups(writer, identity.groups);
  writer.c_text(plan.path);
  writer.c_text(plan.directory);
  writer.c_text(plan.identity_refused);
  writer.u32(static_cast<std::uint32_t>(plan.argv.size()));
  for (const std::string& argument : plan.argv)
    writer.c_text(argument);
  writer.u32(static_cast<std::uint32_t>(plan.environment.size()));
  for (const auto& [key, value] : plan.environment) {
    writer.u32(static_cast<std::uint32_t>(key.size()));
    writer.c_text(key + '=' + value);
  }
}

bool decode(Reader& reader, PlanView& plan) {
  const std::uint32_t flags = reader.u32();
  const mode_t umask = reader.u32();
  plan.umask = (flags & plan_umask) != 0 ? std::optional(umask) : std::nullopt;
  plan.has_identity = (flags & plan_identity) != 0;
  plan.stdin_from_socket = (flags & plan_stdin_from_socket) != 0;
  plan.stderr_to_stdout = (flags & plan_stderr_to_stdout) != 0;
  plan.stop_as_group = (flags & plan_stop_as_group) != 0;
  plan.kill_as_group = (flags & plan_kill_as_group) != 0;
  plan.stop_signal = reader.i32();
  plan.stop_wait_ms = reader.u32();
  plan.uid = reader.u32();
  plan.gid = reader.u32();
  decode_groups(reader, plan.groups);
  plan.path = reader.c_text().data();
  plan.directory = reader.c_text().data();
  plan.identity_refused = reader.c_text().data();
  const std::size_t arguments = reader.count(sizeof(std::uint32_t) + 1);
  plan.argv.clear();
  plan.argv.reserve(arguments + 1);
  for (std::size_t i = 0; i < arguments; ++i)
    plan.argv.push_back(reader.c_text().data());
  plan.argv.push_back(nullptr);
  const std::size_t overrides = reader.count(2 * sizeof(std::uint32_t) + 2);
  plan.environment.clear();
  plan.environment.reserve(overrides);
  for (std::size_t i = 0; i < overrides; ++i) {
    const std::size_t key = reader.u32();
    const std::string_view text = reader.c_text();
    if (!reader.ok() || key >= text.size() || text[key] != '=') return false;
    plan.environment.push_back({text.data(), key});
  }
  return reader.ok() && arguments > 0;
}

void encode(Writer& writer, const KeeperSettings& settings) {
  writer.u32(flag(settings.identity.has_value(), settings_identity) | flag(settings.detach, settings_detach) |
             flag(settings.umask.has_value(), settings_umask) |
             flag(settings.open_files.has_value(), settings_open_files) |
             flag(settings.processes.has_value(), settings_processes));
  const Identity identity = settings.identity.value_or(Identity{});
  writer.u32(identity.uid);
  writer.u32(identity.gid);
  encode_groups(writer, identity.groups);
  writer.c_text(settings.directory);
  writer.u32(settings.umask.value_or(0));
  encode_limit(writer, settings.open_files.value_or(os::Limit{}));
  encode_limit(writer, settings.processes.value_or(os::Limit{}));
}

bool decode(Reader& reader, KeeperSettings& settings) {
  settings = {};
  const std::uint32_t flags = reader.u32();
  Identity identity;
  identity.uid = reader.u32();
  identity.gid = reader.u32();
  decode_groups(reader, identity.groups);
  settings.directory = reader.c_text();
  const mode_t umask = reader.u32();
  const os::Limit open_files = decode_limit(reader);
  const os::Limit processes = decode_limit(reader);
  if ((flags & settings_identity) != 0) settings.identity = std::move(identity);
  settings.detach = (flags & settings_detach) != 0;
  if ((flags & settings_umask) != 0) settings.umask = umask;
  if ((flags & settings_open_files) != 0) settings.open_files = open_files;
  if ((flags & settings_processes) != 0) settings.processes = processes;
  return reader.ok();
}

void encode(Writer& writer, const Exit& exit) {
  writer.i32(exit.status);
  writer.u64(exit.user_usec);
  writer.u64(exit.system_usec);
  writer.u64(exit.max_rss_kb);
}

bool decode(Reader& reader, Exit& exit) {
  exit.status = reader.i32();
  exit.user_usec = reader.u64();
  exit.system_usec = reader.u64();
  exit.max_rss_kb = reader.u64();
  return reader.ok();
}

}  // namespace sup::keeper
