// All that a keeper knows, as bytes: what it leaves for itself when it becomes a newer program, and what that program
// is asked before whether it could read it.
//
//   "SUPKEEPR"  u32 version  u32 needs  then sections: u8 kind, text;  the last one has kind 0
//
// A reader takes every state that needs no more than it knows. New sections are left alone by older readers, sections
// only grow at their end, and nothing is ever given a second meaning: tests/golden/ has the states of each release.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "keeper/plan.h"
#include "os/limits.h"

namespace sup::keeper {

// Descriptors are numbers here: whoever reads a state in another process owns none of them.
struct SavedChild {
  ProcessId id = 0;
  pid_t pid = 0;
  bool exited = false;  // reaped, but not acknowledged: `exit` is valid
  Exit exit;
  std::string record;
  int in = -1;
  int out = -1;
  int err = -1;
  int stop_signal = 0;
  std::uint32_t stop_wait_ms = 0;
  bool stop_as_group = false;
  bool kill_as_group = false;
  int process = -1;  // pidfd of an adopted one
};

struct SavedState {
  pid_t pid = 0;        // of the keeper
  std::string version;  // of the program that wrote it
  std::string program;  // where managers are started from
  bool daemonized = false;
  int shutdown_signal = 0;  // the order to shut down, while it is not carried out
  int deaths_since_order = 0;
  std::vector<int> pending_signals;
  std::optional<os::Limit> open_files;  // of children
  std::string oom_score;                // of children; empty: they inherit ours
  std::vector<SavedChild> children;
  std::map<std::string, int> held;
};

[[nodiscard]] std::string write_state(const SavedState& state);
// Errors: bytes that are no state, a state that is cut off, or one that needs a newer reader.
[[nodiscard]] Result<SavedState> read_state(std::string_view bytes);

}  // namespace sup::keeper
