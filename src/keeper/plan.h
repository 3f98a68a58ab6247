// What the manager tells the keeper about a child to be started. Everything is resolved before: no look-ups, no
// searches, no expansions are left to whoever runs the plan.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace sup::keeper {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // for setgroups(2), the primary one first
};

struct Plan {
  std::string path;               // for execve(2)
  std::vector<std::string> argv;  // at least argv[0]
  // Set over the keeper's own environment, in order; the rest of that environment is passed on.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string directory;  // empty: the keeper's
  std::optional<mode_t> umask;
  std::optional<Identity> identity;
  // The text Supervisor writes when the identity cannot be taken, or empty to try: "Can't drop privilege as nonroot
  // user". With a text, only the uid of `identity` matters. A child that is `identity.uid` already takes nothing.
  std::string identity_refused;
  bool stdin_from_socket = false;  // descriptor 0 is the descriptor that travels with the request (FastCGI)
  bool stderr_to_stdout = false;   // redirect_stderr: no stderr pipe
  // For the day on which no manager can be started any more and the keeper must stop its children alone.
  int stop_signal = 15;
  std::uint32_t stop_wait_ms = 10'000;  // from the stop signal to SIGKILL
  bool stop_as_group = false;           // who gets the stop signal, and
  bool kill_as_group = false;           // who gets SIGKILL: the process group or the process alone
};

// A child that was started, with the keeper's ends of its pipes: non-blocking and close-on-exec.
struct Spawned {
  pid_t pid = 0;
  UniqueFd in;   // write end of the child's stdin; none with stdin_from_socket
  UniqueFd out;  // read end of its stdout
  UniqueFd err;  // read end of its stderr; none with stderr_to_stdout
  bool lost = false;  // they did not reach this process, which can have no more descriptors
};

// How far a spawn that failed in the parent had come. Failures in the child (setuid, chdir, exec) are written to its
// descriptor 2 in Supervisor's words and end in exit status 127, like every other exit.
enum class SpawnStage : std::uint8_t { none, pipe, fork };

struct SpawnFailure {
  SpawnStage stage = SpawnStage::none;
  int code = 0;  // errno
};

// The status of a child that only its real parent could wait for.
inline constexpr int status_unknown = -1;

struct Exit {
  int status = 0;  // as waitpid(2) gives it, or status_unknown
  std::uint64_t user_usec = 0;
  std::uint64_t system_usec = 0;
  std::uint64_t max_rss_kb = 0;
  std::uint64_t at = 0;  // when it was reaped: nanoseconds of the monotonic clock; 0: unknown
};

}  // namespace sup::keeper
