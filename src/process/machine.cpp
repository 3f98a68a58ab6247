#include "process/machine.h"

#include <algorithm>

namespace sup::process {
namespace {

// Options count seconds without a limit; a timer cannot. A century is as good as for ever.
constexpr long long longest_secs = 100LL * 365 * 24 * 3600;

Duration to_duration(long long secs) {
  return Seconds(std::clamp(secs, -longest_secs, longest_secs));
}

Outcome enter(Process& process, State to, Effect effect = Effect::none) {
  const Change change{process.state, to};
  process.state = to;
  return {.effect = effect, .change = change};
}

// There is no deadline while the answer to the spawn is out: how long that takes is not the program's fault.
Outcome try_start(Process& process, Time now) {
  process.started = now;
  process.deadline.reset();
  return enter(process, State::starting, Effect::spawn);
}

Outcome back_off(Process& process, const Rules& rules, Time now) {
  ++process.failures;
  const bool last = process.failures > rules.start_retries;
  process.deadline = last ? now : now + to_duration(process.failures);
  return enter(process, State::backoff);
}

// To a state in which nothing is pending and nothing is held against the program.
Outcome settle(Process& process, State to) {
  process.failures = 0;
  process.deadline.reset();
  return enter(process, to);
}

Outcome ended_starting(Process& process, const Rules& rules, Time now) {
  if (now - process.started.value_or(now) >= rules.start_secs) {
    Outcome promoted = settle(process, State::running);
    promoted.again = true;  // it keeps its pid until the second step
    return promoted;
  }
  process.pid = 0;
  Outcome failed = back_off(process, rules, now);
  failed.too_quick = true;
  return failed;
}

Outcome ended(Process& process, const Rules& rules, int status, Time now) {
  process.pid = 0;
  const Outcome exited = settle(process, State::exited);
  const bool restart = rules.restart == config::Restart::always ||
                       (rules.restart == config::Restart::unexpected && !is_expected(rules, status));
  if (restart) process.deadline = now;
  return exited;
}

Outcome begin_stop(Process& process, const Rules& rules, Time now) {
  process.deadline = now + rules.stop_wait;
  return enter(process, State::stopping, process.pid == 0 ? Effect::none : Effect::stop);
}

// A child whose stop was asked for before it was known gets its signal, and its time to obey, now.
Outcome stop_late(Process& process, const Rules& rules, pid_t pid, Time now) {
  process.pid = pid;
  process.deadline = now + rules.stop_wait;
  return {.effect = Effect::stop, .change = {}};
}

Outcome kill_again(Process& process, const Rules& rules, Time now) {
  process.deadline = now + std::max<Duration>(rules.stop_wait, Seconds(1));
  return {.effect = process.pid == 0 ? Effect::none : Effect::kill, .change = {}};
}

Outcome lose(Process& process) {
  process.deadline.reset();
  return enter(process, State::unknown);
}

}  // namespace

Outcome step(Process& process, const Rules& rules, const Input& input, Time now) noexcept {
  using enum Input::Kind;
  const Input::Kind kind = input.kind;
  const bool live = process.pid != 0;
  const bool due = kind == timer && process.deadline && now >= *process.deadline;

  switch (process.state) {
    case State::stopped:
    case State::fatal:
      if (kind == start) return try_start(process, now);
      break;
    case State::starting:
      if (kind == spawned && !live) {
        process.pid = input.pid;
        process.deadline = process.started.value_or(now) + rules.start_secs + Duration(1);
      }
      if (kind == spawn_failed && !live) return back_off(process, rules, now);
      if (kind == exited && live) return ended_starting(process, rules, now);
      if (kind == signal_failed && live) return lose(process);
      if (kind == stop) return begin_stop(process, rules, now);
      if (due) return settle(process, State::running);
      break;
    case State::running:
      if (kind == exited && live) return ended(process, rules, input.status, now);
      if (kind == signal_failed && live) return lose(process);
      if (kind == stop) return begin_stop(process, rules, now);
      break;
    case State::backoff:
      if (due && process.failures > rules.start_retries) return settle(process, State::fatal);
      if (due || kind == start) return try_start(process, now);
      if (kind == stop) return settle(process, State::stopped);
      if (kind == shutdown) return settle(process, State::fatal);
      break;
    case State::stopping:
      if (kind == spawned && !live) return stop_late(process, rules, input.pid, now);
      if (kind == spawn_failed && !live) return settle(process, State::stopped);
      if (kind == exited && live) {
        process.pid = 0;
        return settle(process, State::stopped);
      }
      if (kind == signal_failed && live) return lose(process);
      if (due) return kill_again(process, rules, now);
      break;
    case State::exited:
      if (due || kind == start) return try_start(process, now);
      if (kind == stop || kind == shutdown) process.deadline.reset();
      break;
    case State::unknown:
      if (kind == exited) process.pid = 0;
      break;
  }
  return {};
}

bool is_expected(const Rules& rules, int status) noexcept {
  return status >= 0 && rules.expected && std::ranges::find(*rules.expected, status) != rules.expected->end();
}

Rules rules_of(const config::ProgramOptions& options) {
  return {.start_secs = to_duration(options.startsecs),
          .stop_wait = to_duration(options.stopwaitsecs),
          .start_retries = options.startretries,
          .restart = options.autorestart,
          .expected = &options.exitcodes};
}

std::string_view state_name(State state) noexcept {
  switch (state) {
    case State::stopped:
      return "STOPPED";
    case State::starting:
      return "STARTING";
    case State::running:
      return "RUNNING";
    case State::backoff:
      return "BACKOFF";
    case State::stopping:
      return "STOPPING";
    case State::exited:
      return "EXITED";
    case State::fatal:
      return "FATAL";
    case State::unknown:
      break;
  }
  return "UNKNOWN";
}

bool is_stopped(State state) noexcept {
  return state == State::stopped || state == State::exited || state == State::fatal || state == State::unknown;
}

bool is_running(State state) noexcept {
  return state == State::running || state == State::backoff || state == State::starting;
}

bool can_signal(State state) noexcept {
  return state == State::running || state == State::starting || state == State::stopping;
}

}  // namespace sup::process
