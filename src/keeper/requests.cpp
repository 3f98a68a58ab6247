// The keeper's side of the conversation with the manager.
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/version.h"
#include "keeper/loop.h"
#include "keeper/settings.h"

namespace sup::keeper {
namespace {

constexpr int datagrams_per_turn = 64;  // then signals have their turn
constexpr std::size_t max_entries = 1 << 20;
constexpr std::size_t max_held = 4096;
constexpr std::size_t max_name = 4096;

}  // namespace

void Keeper::send(Notice notice, ProcessId id, const Writer& writer, std::initializer_list<int> fds) {
  sender_.send(socket_.get(), static_cast<std::uint16_t>(notice), id, writer.bytes(), fds);
}

void Keeper::send_exit(ProcessId id, const Entry& entry) {
  Writer writer;
  writer.i32(entry.pid);
  encode(writer, entry.exit);
  writer.u64(entry.exit.at);
  send(Notice::exited, id, writer);
}

void Keeper::send_spawn_failed(ProcessId id, int stage, int code) {
  Writer writer;
  writer.i32(stage);
  writer.i32(code);
  send(Notice::spawn_failed, id, writer);
}

void Keeper::send_signal(int signal) {
  Writer writer;
  writer.i32(signal);
  send(Notice::daemon_signal, 0, writer);
}

void Keeper::begin_replay() {
  Writer writer;
  writer.u32(protocol_version);
  writer.i32(getpid());
  writer.u8(fresh_ ? 1 : 0);
  writer.text(version);
  writer.u8(static_cast<std::uint8_t>(std::exchange(replacement_, Replacement::none)));
  writer.i32(std::exchange(replacement_error_, 0));
  send(Notice::hello, 0, writer);
  fresh_ = false;
  replay_ids_ = table_.ids();
  replayed_ = 0;
  replaying_ = true;
}

// As much as the socket takes. No request is read meanwhile, so the entries stay; children that end are told after it.
void Keeper::replay() {
  while (sender_.empty() && replayed_ < replay_ids_.size()) {
    const ProcessId id = replay_ids_[replayed_++];
    const Entry& entry = *table_.find(id);
    Writer writer;
    writer.i32(entry.pid);
    writer.u8(which_fds(entry.in, entry.out, entry.err));
    writer.text(entry.record);
    send(Notice::child, id, writer, {entry.in.get(), entry.out.get(), entry.err.get()});
  }
  if (replayed_ == replay_ids_.size()) finish_replay();
}

void Keeper::finish_replay() {
  replaying_ = false;
  for (const auto& [name, fd] : held_) {
    Writer writer;
    writer.text(name);
    send(Notice::held, 0, writer, {fd.get()});
  }
  send(Notice::end, 0, Writer());
  for (const ProcessId id : replay_ids_) {
    const Entry& entry = *table_.find(id);
    if (entry.exited) send_exit(id, entry);
  }
  replay_ids_ = {};
  if (shutdown_signal_ != 0) send_signal(shutdown_signal_);
  for (const int signal : pending_signals_)
    send_signal(signal);
  pending_signals_.clear();
}

void Keeper::exchange() {
  sender_.flush(socket_.get());
  if (replaying_ && sender_.empty()) replay();
  for (int turn = 0; turn < datagrams_per_turn && listening() && sender_.empty() && !quit_ && !to_background_; ++turn) {
    switch (receiver_.receive(socket_.get())) {
      case Receiver::Got::nothing:
        return;
      case Receiver::Got::closed:
        disconnect(false);
        return;
      case Receiver::Got::datagram:
        if (!serve_datagram() && !quit_ && !to_background_) disconnect(true);
        break;
    }
  }
}

// False when the manager must not be listened to any more: it broke the protocol, or asked for the end.
bool Keeper::serve_datagram() {
  Frame frame;
  while (true) {
    switch (receiver_.next(frame)) {
      case Receiver::Next::end:
        return true;
      case Receiver::Next::broken:
        return false;
      case Receiver::Next::frame:
        if (!serve(frame)) return false;
        break;
    }
  }
}

bool Keeper::serve(Frame& frame) {
  switch (static_cast<Request>(frame.verb)) {
    case Request::spawn:
      return on_spawn(frame);
    case Request::refuse: {
      Reader reader(frame.payload);
      const int stage = reader.i32();
      const int code = reader.i32();
      if (reader.ok()) send_spawn_failed(frame.id, stage, code);
      return reader.ok();
    }
    case Request::adopt:
      return on_adopt(frame);
    case Request::signal:
      return on_signal(frame);
    case Request::put:
      return on_put(frame);
    case Request::lend:
      on_lend(frame.id);
      return true;
    case Request::acknowledge:
      table_.acknowledge(frame.id);
      return true;
    case Request::drop:
      table_.drop(frame.id);
      return true;
    case Request::hold:
      return on_hold(frame);
    case Request::release: {
      Reader reader(frame.payload);
      held_.erase(std::string(reader.text()));
      return reader.ok();
    }
    case Request::configure:
      return on_configure(frame);
    case Request::daemonize:
      to_background_ = table_.running() == 0 && !daemonized_;
      return false;
    case Request::serving:
      served_ = true;
      return true;
    case Request::ready:
      on_ready();
      return true;
    case Request::quit:
      return on_quit(frame);
    case Request::inspect:
      on_inspect();
      return true;
    case Request::hand_over:
      return on_hand_over(frame);
    case Request::repeat_signal:
      return on_repeat_signal(frame);
  }
  return false;
}

bool Keeper::on_spawn(Frame& frame) {
  const ProcessId id = frame.id;
  if (id == 0 || (table_.size() >= max_entries && table_.find(id) == nullptr)) return false;
  if (frame.lost && frame.payload.empty()) {
    send_spawn_failed(id, static_cast<int>(SpawnStage::pipe), EMFILE);
    return true;
  }
  Reader reader(frame.payload);
  if (!decode(reader, plan_)) return false;
  const std::string_view record = reader.text();
  if (!reader.ok()) return false;
  Entry& entry = table_.at(id);
  entry.record = record;
  if (entry.running()) {
    send_spawn_failed(id, static_cast<int>(SpawnStage::fork), EBUSY);
    return true;
  }
  table_.acknowledge(id);
  entry.stop_signal = plan_.stop_signal;
  entry.stop_wait_ms = plan_.stop_wait_ms;
  entry.stop_as_group = plan_.stop_as_group;
  entry.kill_as_group = plan_.kill_as_group;
  auto child = spawner_.spawn(plan_, frame.fds.empty() ? -1 : frame.fds[0].get());
  if (!child) {
    send_spawn_failed(id, static_cast<int>(child.error().stage), child.error().code);
    return true;
  }
  table_.started(id, std::move(*child));
  Writer writer;
  writer.i32(entry.pid);
  writer.u8(which_fds(entry.in, entry.out, entry.err));
  send(Notice::spawned, id, writer, {entry.in.get(), entry.out.get(), entry.err.get()});
  return true;
}

bool Keeper::on_adopt(Frame& frame) {
  const ProcessId id = frame.id;
  if (id == 0 || (table_.size() >= max_entries && table_.find(id) == nullptr)) return false;
  if (const Entry* entry = table_.find(id); entry != nullptr && entry->running()) return false;
  Reader reader(frame.payload);
  Entry entry;
  entry.pid = reader.i32();
  entry.stop_signal = reader.i32();
  entry.stop_wait_ms = reader.u32();
  entry.stop_as_group = reader.u8() != 0;
  entry.kill_as_group = reader.u8() != 0;
  entry.record = reader.text();
  if (frame.lost || frame.fds.size() != 1) {
    // Nothing to watch it by.
    entry.exit = {.status = status_unknown};
    send_exit(id, entry);
    return frame.lost;
  }
  if (!reader.ok() || entry.pid <= 1) return false;
  entry.process = std::move(frame.fds[0]);
  table_.adopt(id, std::move(entry));
  watch_adopted(id);
  return true;
}

bool Keeper::on_signal(const Frame& frame) {
  Reader reader(frame.payload);
  const int signal = reader.i32();
  const bool group = reader.u8() != 0;
  if (!reader.ok()) return false;
  const std::string_view record = reader.text();  // there is none from a manager of an older version
  Entry* const entry = table_.find(frame.id);
  if (entry != nullptr && reader.ok() && !record.empty()) entry->record = record;
  int code = ESRCH;
  if (entry != nullptr && entry->running()) {
    code = signal_child(*entry, signal, group);
  }
  Writer writer;
  writer.i32(signal);
  writer.i32(code);
  send(Notice::signalled, frame.id, writer);
  return true;
}

void Keeper::on_lend(ProcessId id) {
  const Entry* const entry = table_.find(id);
  send(Notice::lent, id, Writer(), {entry != nullptr ? entry->in.get() : -1});
}

bool Keeper::on_put(const Frame& frame) {
  if (frame.id == 0 || (table_.size() >= max_entries && table_.find(frame.id) == nullptr)) return false;
  if (frame.lost) return true;  // the old record is better than none
  Reader reader(frame.payload);
  const std::string_view record = reader.text();
  if (reader.ok()) table_.at(frame.id).record = record;
  return reader.ok();
}

bool Keeper::on_hold(Frame& frame) {
  Reader reader(frame.payload);
  const std::string_view name = reader.text();
  if (frame.lost) return true;
  if (!reader.ok() || frame.fds.size() != 1 || name.size() > max_name || held_.size() >= max_held) return false;
  held_[std::string(name)] = std::move(frame.fds[0]);
  return true;
}

bool Keeper::on_configure(const Frame& frame) {
  Reader reader(frame.payload);
  KeeperSettings settings;
  if (!decode(reader, settings)) return false;
  const auto done = apply(settings, spawner_);
  Writer writer;
  writer.i32(done ? 0 : done.error().code);
  writer.text(done ? std::string_view() : done.error().text);
  send(Notice::configured, 0, writer);
  return true;
}

bool Keeper::on_quit(const Frame& frame) {
  Reader reader(frame.payload);
  const int code = reader.i32();
  if (!reader.ok()) return false;
  quit_ = code;
  let_leave();
  return false;
}

// Only a manager that came so far that its successor has something to go on with.
bool Keeper::on_hand_over(const Frame& frame) {
  Reader reader(frame.payload);
  const bool keeper_too = reader.u8() != 0;
  if (!reader.ok() || !served_ || background_ready_) return false;
  send(Notice::handing_over, 0, Writer());
  handing_over_ = true;
  become_anew_ = keeper_too;
  let_leave();
  return true;
}

bool Keeper::on_repeat_signal(const Frame& frame) {
  Reader reader(frame.payload);
  const int signal = reader.i32();
  if (!reader.ok() || std::ranges::find(forwarded_signals, signal) == forwarded_signals.end()) return false;
  // An order to shut down is remembered anyway.
  if (handing_over_ && !is_shutdown(signal)) remember(signal);
  return true;
}

void Keeper::on_ready() {
  served_ = true;
  if (!background_ready_) return;
  const char byte = 0;
  [[maybe_unused]] const ssize_t told = write(background_ready_.get(), &byte, 1);
  background_ready_.reset();
}

}  // namespace sup::keeper
