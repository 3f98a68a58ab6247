#include "engine/listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/strings.h"
#include "engine/held_journal.h"

namespace sup::engine {

using process::Pool;
using process::State;

Listeners::Listeners(const Table& table, const Surroundings& out)
    : table_(table), children_(out.children), inputs_(out.inputs), outputs_(out.listener_outputs), log_(out.log) {}

// ---- pools

void Listeners::add(const GroupEntry& group, const std::string& identifier) {
  Pool* const pool = add_pool(group, identifier);
  if (pool == nullptr) return;
  pool->begin_with(pools_.next_serial());
  pool->keep(std::make_unique<HeldJournal>(pool->name(), children_, log_));
}

void Listeners::restore(const GroupEntry& group, const std::string& identifier, std::string_view notes, Now now) {
  Pool* const pool = add_pool(group, identifier);
  if (pool == nullptr) return;
  if (!notes.empty()) {
    process::PoolPicture picture = process::read_notes(notes);
    pools_.continue_from(std::max(pools_.next_serial(), picture.next_serial));
    pool->restore(std::move(picture));
  }
  pool->keep(std::make_unique<HeldJournal>(pool->name(), children_, log_));
  // What was begun and not finished comes first.
  for (const auto& entry : group.entries) {
    if (Talk* const talk = talk_with(entry->id)) {
      output(*entry, talk->again(pool->heard(entry->id)), now);
      pool->send_rest(entry->id);
    }
  }
  pool->dispatch();
}

Pool* Listeners::add_pool(const GroupEntry& group, const std::string& identifier) {
  if (!group.config->pool) return nullptr;
  Pool& pool = pools_.add({.name = group.config->name,
                           .identifier = identifier,
                           .buffer_size = static_cast<std::size_t>(group.config->pool->buffer_size),
                           .subscription = events::Subscription(group.config->pool->events),
                           .length = group.config->pool->length_in_bytes ? events::Length::bytes
                                                                         : events::Length::characters,
                           .retry_delay = Seconds(group.config->pool->retry_delay)},
                          *this, log_);
  for (const auto& entry : group.entries) pools_.add_member(pool, entry->id, entry->config.name);
  return &pool;
}

void Listeners::remove(const GroupEntry& group) {
  if (!group.config->pool) return;
  pools_.remove(group.config->name);
  children_.release(journal_name(group.config->name));
}

bool Listeners::is_running(ProcessId id) const {
  const Entry* entry = table_.find(id);
  return entry != nullptr && entry->machine.state == State::running && !entry->reaped;
}

bool Listeners::send(ProcessId id, std::uint64_t serial, const process::Message& message) {
  const Entry* entry = table_.find(id);
  if (entry == nullptr || !entry->in) return false;
  if (lay_down(id, serial, message)) return move(id);
  auto sent = inputs_.write(id, entry->in.get(), message.header);
  if (sent) sent = inputs_.write(id, entry->in.get(), {message.event->body, message.event});
  if (!sent && sent.error().code != EPIPE) log_(Level::error, "{}: {}", entry->config.name, sent.error().text);
  return sent.has_value();
}

bool Listeners::lay_down(ProcessId id, std::uint64_t serial, const process::Message& message) const {
  Talk* const talk = talk_with(id);
  return talk != nullptr && message.size() <= Talk::longest && talk->lay_down(serial, message.joined());
}

void Listeners::send_rest(ProcessId id, std::uint64_t serial, const process::Message& message) {
  const Entry* entry = table_.find(id);
  Talk* const talk = talk_with(id);
  if (entry == nullptr || !entry->in || talk == nullptr) return;
  if (talk->holds(serial) || lay_down(id, serial, message)) static_cast<void>(move(id));
}

bool Listeners::move(ProcessId id) {
  const Entry& entry = *table_.find(id);
  const auto moved = inputs_.move(id, entry.in.get(), open_.at(id).talk);
  if (!moved && moved.error().code != EPIPE) log_(Level::error, "{}: {}", entry.config.name, moved.error().text);
  return moved.has_value();
}

Talk* Listeners::talk_with(ProcessId id) const {
  const auto open = open_.find(id);
  return open == open_.end() ? nullptr : open->second.talk.get();
}

void Listeners::resume_later(ProcessId id, Duration delay) {
  pause_(id, delay);
}

void Listeners::resume(ProcessId id) {
  if (Pool* pool = pools_.of(id)) pool->resume();
}

// ---- one listener

void Listeners::started(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi) {
  if (Pool* pool = pools_.of(entry.id)) pool->started(entry.id);
  auto talk = Talk::begin();
  if (talk) children_.hold(talk_name(entry.id), talk->memory());
  open(entry, std::move(pipe), std::move(log), strip_ansi, std::move(talk));
}

void Listeners::go_on(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi, int talk) {
  open(entry, std::move(pipe), std::move(log), strip_ansi, talk < 0 ? nullptr : Talk::go_on(talk));
}

void Listeners::open(const Entry& entry, UniqueFd pipe, logs::RotatingFile log, bool strip_ansi,
                     std::shared_ptr<Talk> talk) {
  logs::Complaints complaints(fmt::format("the stdout log of {}", python_repr(entry.config.name)), "bytes");
  open_.insert_or_assign(
      entry.id, Output{.talk = talk, .log = std::move(log), .strip_ansi = strip_ansi, .complaints = complaints});
  if (pipe) outputs_.watch(entry.id, std::move(pipe), std::move(talk));
}

void Listeners::running(const Entry& entry) {
  if (Pool* pool = pools_.of(entry.id)) pool->dispatch();
}

void Listeners::output(const Entry& entry, std::string_view bytes, Now now) {
  if (bytes.empty()) return;
  log_(Level::debug, "{} stdout output:\n{}", python_repr(entry.config.name), python_bytes_repr(bytes));
  if (const auto open = open_.find(entry.id); open != open_.end()) write_log(open->second, bytes, now);
  if (Pool* pool = pools_.of(entry.id)) pool->output(entry.id, bytes);
}

void Listeners::write_log(Output& output, std::string_view bytes, Now now) {
  if (output.log.plan().path.empty()) return;
  if (!output.log.is_open() && !output.log.reopen()) return;
  std::string text(bytes);
  if (output.strip_ansi) {
    std::string stripped;
    output.stripper.feed(text, [&](std::string_view piece) { stripped += piece; });
    text = std::move(stripped);
  }
  const auto lost_before = output.log.lost();
  const auto written = output.log.write(text);
  const auto lost = output.log.lost() - lost_before;
  const auto message = written    ? output.complaints.works()
                       : lost > 0 ? output.complaints.lost(written.error(), lost, now.mono)
                                  : output.complaints.not_rotated(written.error(), now.mono);
  if (message) log_.write(message->level, message->text);
}

void Listeners::closed(const Entry& entry) {
  (void)outputs_.finish(entry.id);  // at its end: nothing is left
  log_(Level::debug, "the stdout of {} is closed, stopped monitoring it", entry.config.name);
}

void Listeners::exited(const Entry& entry, Now now) {
  output(entry, outputs_.finish(entry.id), now);
  if (talk_with(entry.id) != nullptr) children_.release(talk_name(entry.id));
  open_.erase(entry.id);
}

void Listeners::ended(const Entry& entry) {
  if (Pool* pool = pools_.of(entry.id)) pool->ended(entry.id);
}

// ---- log files

int Listeners::clear_log(ProcessId id) {
  const auto open = open_.find(id);
  if (open == open_.end()) return 0;
  const auto cleared = open->second.log.clear();
  if (cleared) return 0;
  return cleared.error().code != 0 ? cleared.error().code : EIO;
}

void Listeners::reopen_log(const Entry& entry) {
  const auto open = open_.find(entry.id);
  if (open == open_.end()) return;
  if (const auto reopened = open->second.log.reopen(); !reopened) {
    log_(Level::error, "could not reopen the stdout log of {}: {}", python_repr(entry.config.name),
         reopened.error().text);
  }
}

}  // namespace sup::engine
