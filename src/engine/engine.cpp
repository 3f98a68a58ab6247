#include "engine/engine.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace sup::engine {
namespace {

using process::Effect;
using process::Input;
using process::State;

constexpr Duration stop_report_interval = std::chrono::seconds(2);
constexpr Duration shutdown_report_interval = std::chrono::seconds(3);

}  // namespace

Engine::Engine(Surroundings surroundings, Settings settings)
    : out_(surroundings),
      settings_(std::move(settings)),
      listeners_(table_, out_),
      fastcgi_(out_),
      inputs_(out_.children, out_.inputs) {
  listeners_.on_pause([this](ProcessId id, Duration delay) { deadlines_.insert({now_.mono + delay, Alarm::retry, id}); });
}

Engine::~Engine() = default;

// ---- the loop

void Engine::begin() {
  ++changes_;
  if (!draining_) now_ = out_.clock.now();
}

void Engine::drain_work() {
  if (draining_) return;
  draining_ = true;
  while (!work_.empty() || !answers_.empty()) {
    if (work_.empty()) {
      // Whoever is answered may start, stop and remove what was just worked on, so nothing of it is in use here.
      for (auto& [done, answer] : std::exchange(answers_, {})) done(answer);
      continue;
    }
    const Work work = work_.front();
    work_.pop_front();
    if (Entry* entry = table_.find(work.id)) apply(*entry, work.input);
  }
  draining_ = false;
  if (shutdown_ && shutdown_->done() && finished_) {
    auto finished = std::move(finished_);
    finished_ = nullptr;
    deadlines_.erase(
        std::find_if(deadlines_.begin(), deadlines_.end(), [](const Deadline& d) { return d.alarm == Alarm::shutdown_report; }),
        deadlines_.end());
    finished();
  }
}

void Engine::apply(Entry& entry, const Input& input) {
  ++changes_;
  const std::optional<Time> before = entry.machine.deadline;
  const pid_t pid = entry.machine.pid;
  const process::Outcome outcome = process::step(entry.machine, entry.rules(), input, now_.mono);
  arm(entry, before);
  if (outcome.change) note_change(entry, *outcome.change, input, outcome, pid);
  // The keeper knows first: a manager that is killed before it has told the world of it has a successor who does.
  auto spawn_error = carry_out(entry, outcome, input);
  if (outcome.change) announce(entry, *outcome.change, input, outcome);
  if (spawn_error) fail_spawn(entry, std::move(*spawn_error));
  if (input.kind == Input::Kind::exited && entry.machine.pid == 0) {
    // Before anybody who waited for the end is answered.
    if (is_listener(entry)) listeners_.ended(entry);
    fastcgi_.release(entry);
  }
  if (outcome.again) {
    work_.push_front({entry.id, input});
    return;
  }
  if (outcome.change) {
    if (outcome.change->to == State::running && is_listener(entry)) listeners_.running(entry);
    if (outcome.change->to == State::stopping) stop_report(entry);
    answer_waiters(entry);
    if (shutdown_ && process::is_stopped(entry.machine.state)) stop_for_shutdown(shutdown_->stopped(entry.id));
  }
}

// What the keeper has to do or to know. The reason when a child cannot even be asked for.
std::optional<std::string> Engine::carry_out(Entry& entry, const process::Outcome& outcome, const Input& input) {
  switch (outcome.effect) {
    case Effect::none:
      // That a start was answered is no change, but a successor must know it: the deadline counts from there.
      if (outcome.change || input.kind == Input::Kind::spawned) save(entry);
      return std::nullopt;
    case Effect::spawn:
      if (auto error = spawn(entry)) {
        entry.spawn_error = *error;
        save(entry);
        return error;
      }
      return std::nullopt;
    case Effect::stop:
      send_signal(entry, entry.config.program->stopsignal, entry.config.program->stopasgroup, false);
      return std::nullopt;
    case Effect::kill:
      send_signal(entry, SIGKILL, entry.config.program->killasgroup, true);
      return std::nullopt;
  }
  return std::nullopt;
}

// The deadline of a process lives in two places that must agree: its machine and the ordered set.
void Engine::arm(const Entry& entry, std::optional<Time> before) {
  if (entry.machine.deadline == before) return;
  if (before) deadlines_.erase({*before, Alarm::process, entry.id});
  if (entry.machine.deadline) deadlines_.insert({*entry.machine.deadline, Alarm::process, entry.id});
}

// Nothing is started any more once the daemon is about to end.
Input Engine::due_input(const Entry& entry) const {
  const bool would_start = entry.machine.state == State::exited || entry.machine.state == State::backoff;
  return input(mood_ != Mood::running && would_start ? Input::Kind::shutdown : Input::Kind::timer);
}

std::optional<Time> Engine::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->at;
}

void Engine::on_time() {
  begin();
  while (!deadlines_.empty() && deadlines_.begin()->at <= now_.mono) {
    const Deadline due = *deadlines_.begin();
    deadlines_.erase(deadlines_.begin());
    Entry* entry = table_.find(due.id);
    switch (due.alarm) {
      case Alarm::shutdown_report: shutdown_report(); break;
      case Alarm::tick: tick(); break;
      case Alarm::retry: listeners_.resume(due.id); break;
      case Alarm::stop_report:
        if (entry != nullptr) stop_report(*entry);
        break;
      case Alarm::process:
        if (entry == nullptr) break;
        // A reaped child is finished when its output is drained; its timers mean nothing any more.
        if (!entry->reaped) apply(*entry, due_input(*entry));
        break;
    }
    drain_work();
  }
}

// ---- groups

bool Engine::add_group(std::shared_ptr<const config::Group> group, std::uint32_t generation) {
  begin();
  GroupEntry* added = table_.add(std::move(group), generation);
  if (added == nullptr) return false;
  for (const auto& entry : added->entries) {
    make_automatic_logs(*entry);
    save(*entry);
  }
  fastcgi_.add(*added);
  listeners_.add(*added, settings_.identifier);  // before the event, which is the first that a pool hears
  arm_tick();
  if (wants(events::Type::process_group_added)) {
    emit({events::Type::process_group_added, events::group_body(added->config->name)});
  }
  return true;
}

bool Engine::remove_group(const std::string& name) {
  begin();
  GroupEntry* group = table_.group(name);
  if (group == nullptr) return false;
  for (const auto& entry : group->entries) {
    if (!process::is_stopped(entry->machine.state)) return false;
  }
  for (const auto& entry : group->entries) {
    if (entry->machine.deadline) deadlines_.erase({*entry->machine.deadline, Alarm::process, entry->id});
    if (entry->next_report) deadlines_.erase({*entry->next_report, Alarm::stop_report, entry->id});
    out_.children.drop(entry->id);
  }
  fastcgi_.remove(*group);
  listeners_.remove(*group);
  arm_tick();
  table_.remove(name);
  if (wants(events::Type::process_group_removed)) {
    emit({events::Type::process_group_removed, events::group_body(name)});
  }
  return true;
}

void Engine::start_automatic() {
  begin();
  for (const GroupEntry* group : table_.in_order()) queue_automatic(*group);
  drain_work();
}

void Engine::start_automatic(const std::string& name) {
  begin();
  if (const GroupEntry* group = table_.group(name)) queue_automatic(*group);
  drain_work();
}

void Engine::queue_automatic(const GroupEntry& group) {
  if (mood_ != Mood::running) return;
  for (const auto& entry : group.entries) {
    const bool never_started = entry->machine.state == State::stopped && entry->start == WallTime{};
    if (never_started && entry->config.program->autostart) queue(*entry, input(Input::Kind::start));
  }
}

// ---- what clients ask for

void Engine::start(Entry& entry, bool wait, Done done) {
  begin();
  if (entry.machine.state == State::unknown || mood_ != Mood::running) {
    done(Answer::failed);
    return;
  }
  if (entry.machine.state == State::stopping) {
    out_.log(Level::warn, "process '{}' already running", entry.config.name);
    done(wait ? Answer::abnormal_termination : Answer::done);
    return;
  }
  entry.waiters.push_back({wait ? Waiter::For::running : Waiter::For::spawn, std::move(done)});
  queue(entry, input(Input::Kind::start));
  drain_work();
}

void Engine::stop(Entry& entry, bool wait, Done done) {
  begin();
  if (entry.machine.state == State::backoff) {
    out_.log(Level::debug, "Attempted to kill {}, which is in BACKOFF state.", entry.config.name);
  }
  entry.waiters.push_back({wait ? Waiter::For::stopped : Waiter::For::signal, std::move(done)});
  queue(entry, input(Input::Kind::stop));
  drain_work();
}

void Engine::signal(Entry& entry, int signal, Done done) {
  begin();
  if (entry.machine.pid == 0) {
    out_.log(Level::debug, "attempted to send {} sig {} but it wasn't running", entry.config.name, signal_name(signal));
    done(Answer::failed);
    return;
  }
  out_.log(Level::debug, "sending {} (pid {}) sig {}", entry.config.name, entry.machine.pid, signal_name(signal));
  entry.waiters.push_back({Waiter::For::signal, std::move(done)});
  out_.children.signal(entry.id, signal, keeper::Target::process);
}

void Engine::stop_report(Entry& entry) {
  if (entry.next_report) deadlines_.erase({*entry.next_report, Alarm::stop_report, entry.id});
  entry.next_report.reset();
  const bool waited_for = std::any_of(entry.waiters.begin(), entry.waiters.end(),
                                      [](const Waiter& waiter) { return waiter.what == Waiter::For::stopped; });
  if (entry.machine.state != State::stopping || !waited_for) return;
  out_.log(Level::info, "waiting for {} to stop", entry.config.name);
  entry.next_report = now_.mono + stop_report_interval;
  deadlines_.insert({*entry.next_report, Alarm::stop_report, entry.id});
}

void Engine::clear_logs(Entry& entry, std::move_only_function<void(int)> done) {
  if (entry.machine.pid != 0) {
    const int code = listeners_.clear_log(entry.id);
    clearing_[entry.id].push_back(
        [code, done = std::move(done)](int others) mutable { done(others != 0 ? others : code); });
    out_.output.clear(entry.id);
    return;
  }
  // Nobody writes: take the files away, and put an empty one where there was one, as for a running process.
  int code = 0;
  for (const std::string* path : {&entry.out_path, &entry.err_path}) {
    if (path->empty() || !out_.files.look(*path)) continue;
    const auto removed = out_.files.remove(*path);
    if (!removed) code = removed.error().code;
  }
  done(code);
}

void Engine::reopen_logs() {
  for (const auto& [name, group] : table_.by_name()) {
    for (const auto& entry : group->entries) {
      if (entry->machine.pid == 0) continue;
      listeners_.reopen_log(*entry);
      out_.output.reopen(entry->id);
    }
  }
}

// ---- waiting callers

void Engine::answer_waiters(Entry& entry) {
  if (entry.waiters.empty()) return;
  switch (entry.machine.state) {
    case State::running:
      answer(entry, Waiter::For::running, Answer::done);
      answer(entry, Waiter::For::spawn, Answer::done);
      return;
    case State::starting: return;
    case State::stopping: break;
    case State::stopped:
    case State::backoff:
    case State::exited:
    case State::fatal:
    case State::unknown:
      answer(entry, Waiter::For::signal, entry.machine.state == State::unknown ? Answer::failed : Answer::done);
      answer(entry, Waiter::For::stopped, entry.machine.state == State::unknown ? Answer::failed : Answer::done);
      break;
  }
  const Answer failure = entry.spawn_error.empty() ? Answer::abnormal_termination : Answer::spawn_error;
  answer(entry, Waiter::For::running, failure);
  answer(entry, Waiter::For::spawn, failure);
}

// The callers hear of it when the work at hand is done.
void Engine::answer(Entry& entry, Waiter::For what, Answer answer) {
  std::erase_if(entry.waiters, [&](Waiter& waiter) {
    if (waiter.what != what) return false;
    answers_.emplace_back(std::move(waiter.done), answer);
    return true;
  });
}

// ---- shutdown

void Engine::shut_down(Mood mood, std::move_only_function<void()> finished) {
  begin();
  mood_ = mood;
  finished_ = std::move(finished);
  if (shutdown_) {
    drain_work();
    return;
  }
  emit({events::Type::supervisor_state_change_stopping, {}});
  std::vector<std::vector<ProcessId>> groups;
  for (const GroupEntry* group : table_.in_order()) {
    std::vector<ProcessId> ids;
    for (Entry* entry : group->by_priority()) {
      // An exit with a restart pending counts as stopped, but must not come back.
      if (entry->machine.state == State::exited) apply(*entry, input(Input::Kind::shutdown));
      if (!process::is_stopped(entry->machine.state)) ids.push_back(entry->id);
    }
    groups.push_back(std::move(ids));
  }
  shutdown_.emplace(std::move(groups));
  stop_for_shutdown(shutdown_->begin());
  drain_work();
  if (shutdown_ && !shutdown_->done()) shutdown_report();
}

void Engine::stop_for_shutdown(const std::vector<ProcessId>& ids) {
  for (const ProcessId id : ids) {
    const Entry* entry = table_.find(id);
    if (entry == nullptr) continue;
    const bool waiting = entry->machine.state == State::backoff;
    queue(*entry, input(waiting ? Input::Kind::shutdown : Input::Kind::stop));
  }
}

void Engine::shutdown_report() {
  std::vector<std::string> names;
  std::vector<std::string> states;
  for (const ProcessId id : shutdown_->waiting()) {
    const Entry* entry = table_.find(id);
    if (entry == nullptr) continue;
    names.push_back(entry->config.name);
    states.push_back(fmt::format("{} state: {}", entry->config.name, process::state_name(entry->machine.state)));
  }
  if (names.empty()) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  out_.log(Level::info, "waiting for {} to die", list);
  for (const std::string& state : states) out_.log(Level::blather, "{}", state);
  deadlines_.insert({now_.mono + shutdown_report_interval, Alarm::shutdown_report, 0});
}

// ---- the keeper's other notices

void Engine::on_orphan(pid_t pid, int status) {
  // Supervisor only ever sees these as process 1; elsewhere they are ours because the keeper adopts orphans.
  out_.log(settings_.is_init ? Level::info : Level::trace, "reaped unknown pid {} ({})", pid, describe_status(status));
}

void Engine::on_daemon_signal(int signal) {
  if (daemon_signal_) daemon_signal_(signal);
}

void Engine::on_keeper_gone() {
  if (keeper_gone_) keeper_gone_();
}

}  // namespace sup::engine
