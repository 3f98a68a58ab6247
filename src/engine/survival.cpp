// Saving the table with the keeper, and taking it back.
#include <chrono>
#include <unordered_map>

#include "base/version.h"
#include "engine/engine.h"
#include "engine/held_journal.h"

namespace sup::engine {

using process::Input;
using process::State;

namespace {

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
std::int64_t count(WallTime time) { return time.time_since_epoch().count(); }
Time mono(std::int64_t nanoseconds) { return Time(Duration(nanoseconds)); }
WallTime wall(std::int64_t nanoseconds) { return WallTime(Duration(nanoseconds)); }

// Only numbers that name a state come back as one.
State state_from(std::uint16_t number) {
  for (const State state : {State::stopped, State::starting, State::running, State::backoff, State::stopping,
                            State::exited, State::fatal}) {
    if (static_cast<std::uint16_t>(state) == number) return state;
  }
  return State::unknown;
}

bool has_no_child(State state) {
  return state == State::stopped || state == State::backoff || state == State::exited || state == State::fatal;
}

std::string key(std::string_view group, std::string_view name) {
  std::string text(group);
  text += ':';
  text += name;
  return text;
}

}  // namespace

std::string Engine::record_of(const Entry& entry) const {
  ProcessRecord record;
  record.group = entry.group->config->name;
  record.name = entry.config.name;
  record.generation = entry.group->generation;
  record.state = static_cast<std::uint16_t>(entry.machine.state);
  record.failures = entry.machine.failures;
  if (entry.machine.deadline) record.deadline = count(*entry.machine.deadline);
  if (entry.machine.started) record.started = count(*entry.machine.started);
  record.start_wall = count(entry.start);
  record.stop_wall = count(entry.stop);
  record.exit_status = entry.exit_status;
  record.spawn_error = entry.spawn_error;
  record.out_path = entry.out_path;
  record.err_path = entry.err_path;
  if (entry.untold) {
    record.event = events::type_name(entry.untold->event.type);
    record.event_body = entry.untold->event.body;
    record.event_serial = entry.untold->serial;
  }
  return write_record(record);
}

void Engine::save(const Entry& entry) { out_.children.put(entry.id, record_of(entry)); }

SessionRecord Engine::session() const {
  SessionRecord record;
  record.mood = static_cast<std::int32_t>(mood_);
  record.next_id = table_.next_id();
  record.generation = generation_;
  record.event_serial = listeners_.next_serial();
  record.version = version;
  for (const GroupEntry* group : table_.by_arrival()) record.groups.push_back({group->config->name, group->generation});
  return record;
}

void Engine::save_session() { out_.children.put(session_id, write_record(session())); }

void Engine::restore(const SessionRecord& session,
                     std::vector<std::pair<std::shared_ptr<const config::Group>, std::uint32_t>> groups,
                     std::vector<keeper::Restored::Child> children, const std::map<std::string, UniqueFd>& held) {
  begin();
  mood_ = static_cast<Mood>(session.mood);
  generation_ = session.generation;
  listeners_.continue_from(session.event_serial);
  table_.set_next_id(session.next_id);
  std::unordered_map<std::string, Entry*> entries;
  for (auto& [config, generation] : groups) {
    const GroupEntry* group = table_.add(std::move(config), generation);
    if (group == nullptr) continue;
    for (const auto& entry : group->entries) entries.emplace(key(group->config->name, entry->config.name), entry.get());
  }
  for (keeper::Restored::Child& child : children) {
    const auto record = read_process_record(child.record);
    const auto at = record ? entries.find(key(record->group, record->name)) : entries.end();
    if (at == entries.end()) {
      out_.log(Level::error, "the keeper holds a child (id {}, pid {}) that the configuration does not know: {}", child.id,
               child.pid, record ? key(record->group, record->name) : record.error().text);
      continue;
    }
    table_.renumber(*at->second, child.id);
    const auto talk = held.find(talk_name(child.id));
    restore_entry(*at->second, *record, child, talk == held.end() ? -1 : talk->second.get());
    entries.erase(at);
  }
  for (const auto& [name, entry] : entries) {
    make_automatic_logs(*entry);
    save(*entry);
  }
  for (const GroupEntry* group : table_.by_arrival()) {
    const auto journal = held.find(journal_name(group->config->name));
    listeners_.restore(*group, settings_.identifier,
                       journal == held.end() ? std::string() : read_held_journal(journal->second.get()), now_);
  }
  tell_untold();
  arm_tick();
  drain_work();
  for (const GroupEntry* group : table_.by_arrival()) fastcgi_.restore(*group, held);
}

// What a predecessor did and did not come to tell.
void Engine::tell_untold() {
  for (const GroupEntry* group : table_.by_arrival()) {
    for (const auto& entry : group->entries) {
      if (entry->untold) listeners_.emit_again(std::move(entry->untold->event), entry->untold->serial);
      entry->untold.reset();
      if (is_listener(*entry) && entry->machine.pid == 0) listeners_.ended(*entry);
    }
  }
}

void Engine::forget_all() {
  for (const GroupEntry* group : table_.by_arrival()) {
    for (const auto& entry : group->entries) out_.children.drop(entry->id);
    fastcgi_.remove(*group);
    fastcgi_.remove_files(*group);
    listeners_.remove(*group);
  }
  out_.children.drop(session_id);
}

void Engine::restore_entry(Entry& entry, const ProcessRecord& record, keeper::Restored::Child& child, int talk) {
  entry.start = wall(record.start_wall);
  entry.stop = wall(record.stop_wall);
  entry.exit_status = record.exit_status;
  entry.spawn_error = record.spawn_error;
  entry.out_path = record.out_path;
  entry.err_path = record.err_path;
  entry.machine.state = state_from(record.state);
  entry.machine.failures = record.failures;
  if (record.started) entry.machine.started = mono(*record.started);
  if (record.deadline) entry.machine.deadline = mono(*record.deadline);
  if (const auto type = events::type_named(record.event)) {
    entry.untold = Untold{{*type, record.event_body}, record.event_serial};
  }
  arm(entry, std::nullopt);
  if (child.pid != 0 && has_no_child(entry.machine.state)) {
    // Its end is on record, and only the acknowledgement was missing.
    out_.children.acknowledge(entry.id);
    entry.dealt_with = child.pid;
    return;
  }
  if (child.pid == 0) {
    // Its start was asked for and the answer never came.
    if (entry.machine.state == State::starting) queue(entry, input(Input::Kind::spawn_failed));
    return;
  }
  if (child.lost) {
    out_.log(Level::error, "too many open files to read the output of '{}' (pid {})", entry.config.name, child.pid);
  }
  inputs_.begun(entry, std::move(child.in));
  auto opened = open_logs(entry, true);
  if (is_listener(entry)) {
    listeners_.go_on(entry, std::move(child.out), std::move((*opened)->out), settings_.strip_ansi, talk);
  } else {
    attach(entry, Channel::out, std::move(child.out), std::move((*opened)->out));
  }
  attach(entry, Channel::err, std::move(child.err), std::move((*opened)->err));
  if (entry.machine.state == State::starting && !entry.machine.deadline) {
    // The answer to its start came too late for the manager that had asked.
    out_.log(Level::info, "spawned: '{}' with pid {}", entry.config.name, child.pid);
    queue(entry, input(Input::Kind::spawned, child.pid));
  } else {
    entry.machine.pid = child.pid;
  }
}

}  // namespace sup::engine
