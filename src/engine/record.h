// What the keeper keeps for a manager that does not exist yet: one record per process, one for the session.
//
// Tagged fields, so that a newer manager reads older records and an older one skips what it does not know:
//   tag (1 byte), length (varint), bytes; numbers are little-endian with leading zero bytes left out.
// Tags are never given a second meaning. tests/golden/ has the records of each release.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sup::engine {

// The life of one process so far. Times are nanoseconds: monotonic for durations, since 1970 for display.
struct ProcessRecord {
  std::string group;
  std::string name;
  std::uint32_t generation = 0;  // of the configuration that its group was made from
  std::uint16_t state = 0;
  std::int64_t failures = 0;
  std::optional<std::int64_t> deadline;
  std::optional<std::int64_t> started;
  std::int64_t start_wall = 0;
  std::int64_t stop_wall = 0;
  std::optional<int> exit_status;
  std::string spawn_error;
  std::string out_path;
  std::string err_path;
  // The event of the change that led here, if anybody wanted it, and its number: whoever finds that it was not given
  // yet does so.
  std::string event;
  std::string event_body;
  std::uint64_t event_serial = 0;
  bool operator==(const ProcessRecord&) const = default;
};

struct SessionRecord {
  struct Group {
    std::string name;
    std::uint32_t generation = 0;
    bool operator==(const Group&) const = default;
  };
  std::int32_t mood = 1;
  std::uint32_t next_id = 1;
  std::uint32_t generation = 0;  // of the configuration read last
  std::uint64_t event_serial = 0;
  std::vector<Group> groups;  // those that run
  std::string version;        // of the program that wrote it
  std::string successor;      // the version that was about to take over; empty: none was asked to
  bool operator==(const SessionRecord&) const = default;
};

[[nodiscard]] std::string write_record(const ProcessRecord& record);
[[nodiscard]] std::string write_record(const SessionRecord& record);
// Errors: truncated fields, or bytes that are no record of that kind.
[[nodiscard]] Result<ProcessRecord> read_process_record(std::string_view bytes);
[[nodiscard]] Result<SessionRecord> read_session_record(std::string_view bytes);

}  // namespace sup::engine
