// What keeper and manager say to each other: the verbs, and the payloads that are more than a number or two.
//
// A keeper outlives its managers, so a newer manager may talk to an older keeper: numbers of verbs are never reused,
// payloads only grow at their end, and readers leave alone what follows the part they know.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "keeper/client.h"
#include "keeper/plan.h"
#include "keeper/wire.h"

namespace sup::keeper {

inline constexpr std::uint32_t protocol_version = 2;
inline constexpr std::uint32_t lending_version = 2;  // of keepers that know Request::lend

// From the manager. Answers come in the order of the requests.
enum class Request : std::uint16_t {
  spawn = 1,   // plan and record; fd: the child's stdin, if the plan says so -> spawned or spawn_failed
  refuse = 2,  // i32 stage, i32 errno -> spawn_failed with just these: a request that could not be sent keeps its turn
  signal = 3,  // i32 signal, u8 to the group, record or nothing -> signalled
  put = 4,     // record
  acknowledge = 5,
  drop = 6,
  hold = 7,       // text name; fd
  release = 8,    // text name
  configure = 9,  // settings -> configured
  daemonize = 10,
  serving = 11,
  ready = 12,
  quit = 13,           // i32 exit code
  inspect = 14,        // -> inspected
  hand_over = 15,      // u8 the keeper becomes the program anew, too -> handing_over
  repeat_signal = 16,  // i32: a daemon_signal that this manager leaves to the next one
  adopt = 17,          // i32 pid, i32 stop signal, u32 stop wait, u8 stop and u8 kill as group, record; fd: its pidfd
  lend = 18,           // -> lent
};

// From the keeper.
enum class Notice : std::uint16_t {
  hello = 101,          // u32 version, i32 pid of the keeper, u8 fresh, text version, u8 replacement, i32 errno: first
  child = 102,          // i32 pid, u8 which fds, record; fds: stdin, stdout, stderr
  held = 103,           // text name; fd
  end = 104,            // all children and held descriptors were told
  spawned = 105,        // i32 pid, u8 which fds; fds as in child
  spawn_failed = 106,   // i32 stage, i32 errno
  signalled = 107,      // i32 signal, i32 errno or 0
  exited = 108,         // i32 pid, exit, u64 when it was reaped
  orphan = 109,         // i32 pid, i32 status
  daemon_signal = 110,  // i32 signal
  configured = 111,     // i32 errno, text; both empty on success
  inspected = 112,      // i32 errno, u8 the program is another file, text program; fd: the state
  handing_over = 113,   // the last notice: what happens from now on is told to the next manager
  lent = 114,           // fd: the write end of the child's stdin, if it has one
};

// Which of a child's descriptors travel with a frame, in this order.
inline constexpr std::uint8_t has_in = 1;
inline constexpr std::uint8_t has_out = 2;
inline constexpr std::uint8_t has_err = 4;
[[nodiscard]] std::uint8_t which_fds(const UniqueFd& in, const UniqueFd& out, const UniqueFd& err);
// Moves the frame's descriptors to where `which` says. False if their number does not fit.
[[nodiscard]] bool take_fds(Frame& frame, std::uint8_t which, UniqueFd& in, UniqueFd& out, UniqueFd& err);

// A plan as it lies in a frame: everything points into the payload, ready for execve(2). May be used again and again.
struct PlanView {
  struct Override {
    const char* text = nullptr;  // "KEY=VALUE"
    std::size_t key = 0;         // length of KEY
  };

  const char* path = nullptr;
  const char* directory = nullptr;         // "" for none
  const char* identity_refused = nullptr;  // "" for none
  std::optional<mode_t> umask;
  bool has_identity = false;
  uid_t uid = 0;
  gid_t gid = 0;
  bool stdin_from_socket = false;
  bool stderr_to_stdout = false;
  int stop_signal = 0;
  std::uint32_t stop_wait_ms = 0;
  bool stop_as_group = false;
  bool kill_as_group = false;
  std::vector<gid_t> groups;
  std::vector<const char*> argv;  // ends with a null pointer
  std::vector<Override> environment;
};

void encode(Writer& writer, const Plan& plan);
// False when the payload is not a plan that could be run; the view means nothing then.
[[nodiscard]] bool decode(Reader& reader, PlanView& plan);

void encode(Writer& writer, const KeeperSettings& settings);
[[nodiscard]] bool decode(Reader& reader, KeeperSettings& settings);

void encode(Writer& writer, const Exit& exit);
[[nodiscard]] bool decode(Reader& reader, Exit& exit);

}  // namespace sup::keeper
