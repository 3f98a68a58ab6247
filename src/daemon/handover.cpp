#include "daemon/handover.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/strings.h"
#include "engine/engine.h"
#include "keeper/state.h"
#include "os/memory_file.h"

namespace sup::daemon {
namespace {

constexpr std::string_view snapshot_prefix = "configuration ";
constexpr std::string_view keeper_key = "keeper";

Result<engine::SessionRecord> find_session(const keeper::SavedState& state) {
  for (const keeper::SavedChild& child : state.children) {
    if (child.id == engine::session_id) return engine::read_session_record(child.record);
  }
  return fail("the keeper holds no session record");
}

// Every process that the keeper knows must be one of the configuration, or nobody would care for it.
Result<> check_processes(const keeper::SavedState& state, const Heritage& heritage) {
  std::set<std::pair<std::string_view, std::string_view>> known;
  for (const auto& [group, generation] : heritage.groups) {
    for (const config::Process& process : group->processes) known.emplace(group->name, process.name);
  }
  for (const keeper::SavedChild& child : state.children) {
    if (child.id == engine::session_id) continue;
    const auto record = engine::read_process_record(child.record);
    if (!record) return std::unexpected(record.error());
    if (known.contains({record->group, record->name})) continue;
    return fail("the saved configuration does not know the process " + record->group + ":" + record->name);
  }
  return {};
}

}  // namespace

std::string snapshot_name(std::uint32_t generation) { return std::string(snapshot_prefix) + std::to_string(generation); }

std::optional<std::uint32_t> generation_of(std::string_view name) {
  if (!name.starts_with(snapshot_prefix)) return std::nullopt;
  const auto number = to_int(name.substr(snapshot_prefix.size()));
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

Result<Heritage> read_heritage(const engine::SessionRecord& session, std::map<std::uint32_t, Snapshot> snapshots,
                               const config::Host& host, const config::DaemonOverrides& overrides) {
  Heritage heritage;
  for (auto& [generation, snapshot] : snapshots) {
    const std::string path = snapshot[std::string(main_file_question)];
    const ReplayHost replay(host, std::move(snapshot));
    auto config = config::load(path, replay, overrides);
    if (!config) return fail("the saved configuration cannot be read again: " + told_to_others(config.error().front()));
    heritage.configurations.emplace(generation, std::move(*config));
  }
  if (!heritage.configurations.contains(session.generation)) return fail("the keeper holds no saved configuration");
  std::map<std::pair<std::uint32_t, std::string_view>, std::shared_ptr<const config::Group>> groups;
  for (const auto& [generation, config] : heritage.configurations) {
    for (const auto& group : config.groups) groups.emplace(std::pair(generation, std::string_view(group->name)), group);
  }
  for (const engine::SessionRecord::Group& saved : session.groups) {
    const auto found = groups.find({saved.generation, saved.name});
    if (found != groups.end()) heritage.groups.emplace_back(found->second, saved.generation);
  }
  return heritage;
}

Result<UniqueFd> write_handover(const UniqueFd& keeper_state, const std::map<std::uint32_t, UniqueFd>& snapshots) {
  Snapshot parts;
  auto state = os::read_memory_file(keeper_state.get());
  if (!state) return std::unexpected(state.error());
  parts[std::string(keeper_key)] = std::move(*state);
  for (const auto& [generation, fd] : snapshots) {
    auto bytes = os::read_memory_file(fd.get());
    if (!bytes) return std::unexpected(bytes.error());
    parts[snapshot_name(generation)] = std::move(*bytes);
  }
  return write_snapshot(parts);
}

Result<> try_handover(int file, const config::Host& host, const config::DaemonOverrides& overrides) {
  auto parts = read_snapshot(file);
  if (!parts) return std::unexpected(parts.error());
  const auto state = keeper::read_state((*parts)[std::string(keeper_key)]);
  if (!state) return std::unexpected(state.error());
  const auto session = find_session(*state);
  if (!session) return std::unexpected(session.error());
  std::map<std::uint32_t, Snapshot> snapshots;
  for (const auto& [name, bytes] : *parts) {
    const auto generation = generation_of(name);
    if (!generation) continue;
    auto snapshot = parse_snapshot(bytes);
    if (!snapshot) return std::unexpected(snapshot.error());
    snapshots.emplace(*generation, std::move(*snapshot));
  }
  const auto heritage = read_heritage(*session, std::move(snapshots), host, overrides);
  if (!heritage) return std::unexpected(heritage.error());
  return check_processes(*state, *heritage);
}

}  // namespace sup::daemon
