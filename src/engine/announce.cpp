// What the world hears of a transition: the event first, then the line in the log, as Supervisor orders them.
#include <fmt/format.h>

#include "engine/engine.h"

namespace sup::engine {

using process::Input;
using process::State;

bool Engine::wants(events::Type type) const {
  return listeners_.wants(type) || (out_.events != nullptr && out_.events->wants(type));
}

void Engine::emit(events::Event event) {
  if (out_.events != nullptr && out_.events->wants(event.type)) out_.events->emit(event);
  listeners_.emit(std::move(event));
}

// ---- ticks

// The timer exists only while somebody wants it, so that nothing wakes an idle daemon.
void Engine::arm_tick() {
  events::Subscription wanted;
  for (const auto type : {events::Type::tick_5, events::Type::tick_60, events::Type::tick_3600}) {
    if (wants(type)) wanted.add(type);
  }
  const bool was_armed = next_tick_.has_value();
  if (was_armed) deadlines_.erase({*next_tick_, Alarm::tick, 0});
  next_tick_.reset();
  const auto wait = events::Ticks::until_next(now_.wall, wanted);
  if (!wait) return;
  if (!was_armed) ticks_.begin(now_.wall);
  next_tick_ = now_.mono + *wait;
  deadlines_.insert({*next_tick_, Alarm::tick, 0});
}

void Engine::tick() {
  for (events::Event& event : ticks_.due(now_.wall)) emit(std::move(event));
  arm_tick();
}

// ---- transitions

void Engine::note_change(Entry& entry, const process::Change& change, const Input& input,
                         const process::Outcome& outcome, pid_t pid) {
  if (input.kind == Input::Kind::exited) {
    entry.exit_status = outcome.too_quick ? std::nullopt : std::optional(input.status);
    if (outcome.too_quick) entry.spawn_error = "Exited too quickly (process log may have details)";
    if (change.to == State::exited && !process::is_expected(entry.rules(), input.status)) {
      entry.spawn_error = fmt::format("Bad exit code {}", input.status);
    }
  }
  if (change.to == State::starting) {
    entry.start = now_.wall;
    entry.spawn_error.clear();
    entry.exit_status.reset();
  }
  entry.untold.reset();
  if (auto event = event_of(entry, change, input, pid)) entry.untold = Untold{std::move(*event), event_serial()};
}

void Engine::announce(Entry& entry, const process::Change& change, const Input& input,
                      const process::Outcome& outcome) {
  if (entry.untold) emit(std::exchange(entry.untold, std::nullopt)->event);
  if (input.kind == Input::Kind::exited) {
    if (!outcome.again) log_exit(entry, change, outcome);
  } else if (change.to == State::running) {
    out_.log(Level::info, "success: {} entered RUNNING state, process has stayed up for > than {} seconds (startsecs)",
             entry.config.name, entry.config.program->startsecs);
  } else if (change.to == State::fatal && input.kind == Input::Kind::timer) {
    out_.log(Level::info, "gave up: {} entered FATAL state, too many start retries too quickly", entry.config.name);
  }
}

void Engine::log_exit(const Entry& entry, const process::Change& change, const process::Outcome& outcome) {
  const std::string how = describe_status(entry.reaped->exit.status);
  const bool expected = process::is_expected(entry.rules(), exit_code(entry.reaped->exit.status));
  const std::string& name = entry.config.name;
  if (change.from == State::stopping) {
    out_.log(expected ? Level::info : Level::warn, "stopped: {} ({})", name, how);
  } else if (outcome.too_quick || !expected) {
    out_.log(Level::warn, "exited: {} ({}; not expected)", name, how);
  } else {
    out_.log(Level::info, "exited: {} ({}; expected)", name, how);
  }
}

std::optional<events::Event> Engine::event_of(const Entry& entry, const process::Change& change, const Input& input,
                                              pid_t pid) const {
  using events::Type;
  Type type = Type::process_state_unknown;
  switch (change.to) {
    case State::starting: type = Type::process_state_starting; break;
    case State::running: type = Type::process_state_running; break;
    case State::backoff: type = Type::process_state_backoff; break;
    case State::stopping: type = Type::process_state_stopping; break;
    case State::stopped: type = Type::process_state_stopped; break;
    case State::exited: type = Type::process_state_exited; break;
    case State::fatal: type = Type::process_state_fatal; break;
    case State::unknown: type = Type::process_state_unknown; break;
  }
  if (!wants(type)) return std::nullopt;
  const std::string& name = entry.config.name;
  const std::string& group = entry.group->config->name;
  const std::string_view from = process::state_name(change.from);
  std::string body;
  switch (change.to) {
    case State::starting:
    case State::backoff: body = events::state_body_tries(name, group, from, entry.machine.failures); break;
    case State::running:
    case State::stopping:
    case State::stopped: body = events::state_body_pid(name, group, from, pid); break;
    case State::exited:
      body = events::exited_body(name, group, from, process::is_expected(entry.rules(), input.status), pid);
      break;
    case State::fatal:
    case State::unknown: body = events::state_body(name, group, from); break;
  }
  return events::Event{type, std::move(body)};
}

}  // namespace sup::engine
