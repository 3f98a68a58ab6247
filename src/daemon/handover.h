// What a manager leaves to the next one, and whether a program could go on with it.
//
// After a crash the successor takes it from the keeper as it is. Before an upgrade the same goes, in one memory file, to
// the program that is to take over, which reads all of it as it would later and says what it thinks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/load.h"
#include "daemon/snapshot.h"
#include "engine/record.h"

namespace sup::daemon {

// The name under which the keeper holds the snapshot of a generation, and the generation of such a name.
[[nodiscard]] std::string snapshot_name(std::uint32_t generation);
[[nodiscard]] std::optional<std::uint32_t> generation_of(std::string_view name);

// The question whose answer in a snapshot is the path of the main file.
inline constexpr std::string_view main_file_question = "main file";

// The configurations that a session goes on with.
struct Heritage {
  std::map<std::uint32_t, config::Config> configurations;  // by generation; that of the session is among them
  // Those that run, with their generations.
  std::vector<std::pair<std::shared_ptr<const config::Group>, std::uint32_t>> groups;
};

// Reads the saved configurations again. Errors: one that cannot be read, or that of the session is missing.
[[nodiscard]] Result<Heritage> read_heritage(const engine::SessionRecord& session,
                                             std::map<std::uint32_t, Snapshot> snapshots, const config::Host& host,
                                             const config::DaemonOverrides& overrides);

// The memory file for the program that is to take over: the keeper's state and the configurations, as they are held.
[[nodiscard]] Result<UniqueFd> write_handover(const UniqueFd& keeper_state,
                                              const std::map<std::uint32_t, UniqueFd>& snapshots);
// Reads such a file to its end. Errors: why this program could not go on.
[[nodiscard]] Result<> try_handover(int file, const config::Host& host, const config::DaemonOverrides& overrides);

}  // namespace sup::daemon
