// The life of one supervised process, as a pure machine.
//
// step() is told what happened and what time it is, and answers what to do; it never forks, signals, reads a clock or
// allocates. The engine carries the effect out and tells the machine what came of it. Durations are monotonic.
// Rules and names are Supervisor's (docs/processes.md); the numbers are part of its XML-RPC API.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/config.h"

namespace sup::process {

enum class State : std::uint16_t {
  stopped = 0,
  starting = 10,
  running = 20,
  backoff = 30,
  stopping = 40,
  exited = 100,
  fatal = 200,
  unknown = 1000,
};

[[nodiscard]] std::string_view state_name(State state) noexcept;  // "STOPPED"

// Supervisor's three sets of states.
[[nodiscard]] bool is_stopped(State state) noexcept;     // STOPPED EXITED FATAL UNKNOWN
[[nodiscard]] bool is_running(State state) noexcept;     // RUNNING BACKOFF STARTING: `stop` is accepted
[[nodiscard]] bool can_signal(State state) noexcept;     // RUNNING STARTING STOPPING

// What never changes while the process lives: a reduced view of its section.
struct Rules {
  Duration start_secs{};      // alive strictly longer than this, and STARTING becomes RUNNING
  Duration stop_wait{};       // from the stop signal to SIGKILL, and between SIGKILLs
  long long start_retries = 3;  // failed starts allowed after the first
  config::Restart restart = config::Restart::unexpected;
  const std::vector<int>* expected = nullptr;  // exit codes that are expected; not owned
};

[[nodiscard]] Rules rules_of(const config::ProgramOptions& options);

struct Process {
  State state = State::stopped;
  pid_t pid = 0;                 // 0: no child, or its start has not been answered yet
  long long failures = 0;        // failed starts in a row: Supervisor's backoff counter
  std::optional<Time> deadline;  // the one timer: promotion, next try, restart or SIGKILL, as the state says
  std::optional<Time> started;   // when STARTING was last entered
};

struct Input {
  enum class Kind : std::uint8_t {
    start,         // somebody wants it started (autostart, a client, a group)
    stop,          // somebody wants it stopped
    spawned,       // the answer to Effect::spawn: a child with `pid`
    spawn_failed,  // the other answer
    exited,        // the child was reaped: `status` is its exit code, or -1 when a signal ended it
    timer,         // the deadline has come; ignored when it has not, so a late or doubled wake-up does no harm
    signal_failed, // a signal could not be sent, and not because the child is gone
    shutdown,      // the daemon stops: give up waiting for another try
  };
  Kind kind = Kind::timer;
  pid_t pid = 0;
  int status = 0;
};

enum class Effect : std::uint8_t {
  none,
  spawn,  // start a child; answer with spawned or spawn_failed
  stop,   // send the stop signal
  kill,   // send SIGKILL
};

// A transition, for events, logs and waiting callers.
struct Change {
  State from = State::stopped;
  State to = State::stopped;
};

// At most one effect and one change follow from an input.
struct Outcome {
  Effect effect = Effect::none;
  std::optional<Change> change;
  bool again = false;     // one input, two transitions: give the same input once more; the pid stays until then
  bool too_quick = false; // exited: the child did not stay up for startsecs
};

// `process` moves to its next state. An input that makes no sense in a state changes nothing.
[[nodiscard]] Outcome step(Process& process, const Rules& rules, const Input& input, Time now) noexcept;

// Is this exit code one of the expected ones? A death by signal (-1) never is.
[[nodiscard]] bool is_expected(const Rules& rules, int status) noexcept;

}  // namespace sup::process
