#include "process/pool.h"

#include <algorithm>
#include <utility>

namespace sup::process {

std::uint64_t Serial::take() {
  return std::exchange(next_, serial_after(next_));
}

Pool::Pool(Options options, PoolPort& port, Log& log) : options_(std::move(options)), port_(port), log_(log) {}

void Pool::add(ProcessId id, std::string name) {
  members_.push_back({.id = id, .name = std::move(name), .listener = {}, .item = {}, .heard = 0});
}

std::vector<ProcessId> Pool::members() const {
  std::vector<ProcessId> ids;
  ids.reserve(members_.size());
  for (const Member& member : members_)
    ids.push_back(member.id);
  return ids;
}

std::optional<ListenerState> Pool::listener_state(ProcessId id) const {
  const auto found = std::ranges::find(members_, id, &Member::id);
  if (found == members_.end()) return std::nullopt;
  return found->listener.state();
}

void Pool::accept(std::shared_ptr<const events::Event> event, std::uint64_t serial) {
  make_room();
  buffer_.push_back({.event = std::move(event), .serial = serial, .pool_serial = serial_.take()});
  next_daemon_serial_ = serial_after(serial);
  notes_.accepted(buffer_.back());
}

void Pool::dispatch() {
  while (!paused_ && !buffer_.empty() && std::ranges::any_of(members_, [this](const Member& m) { return can_take(m); })) {
    PoolItem item = std::move(buffer_.front());
    buffer_.pop_front();
    if (!send(item)) {
      put_back(std::move(item));
      break;
    }
  }
  write_journal();
}

void Pool::resume() {
  paused_ = false;
  dispatch();
}

void Pool::started(ProcessId id) {
  if (Member* member = find(id)) {
    member->heard = 0;
    notes_.heard(id, 0);
  }
  ended(id);
}

void Pool::output(ProcessId id, std::string_view bytes) {
  Member* member = find(id);
  if (!member) return;
  for (const ListenerStep& step : member->listener.feed(bytes)) {
    log_step(log_, member->name, step);
    if (step.verdict == ListenerStep::Verdict::none || !member->item) continue;
    if (step.returns_event()) {
      return_item(*member);
      if (step.verdict == ListenerStep::Verdict::rejected && options_.retry_delay > Duration{}) {
        paused_ = true;
        port_.resume_later(id, options_.retry_delay);
      }
    } else {
      member->item.reset();
      notes_.done(id);
    }
  }
  notes_.listener(id, member->listener);
  member->heard += bytes.size();
  notes_.heard(id, member->heard);
  dispatch();
}

void Pool::ended(ProcessId id) {
  Member* member = find(id);
  if (!member) return;
  member->listener = Listener();
  if (member->item) return_item(*member);
  notes_.listener(id, member->listener);
  dispatch();
}

Pool::Member* Pool::find(ProcessId id) {
  const auto found = std::ranges::find(members_, id, &Member::id);
  return found == members_.end() ? nullptr : &*found;
}

bool Pool::can_take(const Member& member) const {
  return member.listener.state() == ListenerState::ready && port_.is_running(member.id);
}

bool Pool::send(const PoolItem& item) {
  const Message envelope = message(item);
  for (Member& member : members_) {
    if (!can_take(member)) continue;
    const Listener before = member.listener;
    member.listener.sent();
    member.item = item;
    notes_.sent(member.id);
    write_journal();  // first: how much of it has gone out can be told later, but not whether it was to
    if (port_.send(member.id, item.pool_serial, envelope)) {
      log_(Level::debug, "event {} sent to listener {}", item.serial, member.name);
      return true;
    }
    log_(Level::debug, "epipe occurred while sending event {} to listener {}, listener state unchanged", item.serial,
         member.name);
    member.listener = before;
    member.item.reset();
    notes_.returned(member.id);
    notes_.listener(member.id, member.listener);
  }
  return false;
}

Message Pool::message(const PoolItem& item) const {
  return {events::header_line(options_.identifier, item.serial, options_.name, item.pool_serial, *item.event,
                              options_.length),
          item.event};
}

void Pool::make_room() {
  if (buffer_.empty() || buffer_.size() < options_.buffer_size) return;
  log_(Level::error, "pool {} event buffer overflowed, discarding event {}", options_.name, buffer_.front().serial);
  buffer_.pop_front();
  notes_.lost();
}

void Pool::return_item(Member& member) {
  put_back(*std::exchange(member.item, std::nullopt));
  notes_.returned(member.id);
}

void Pool::put_back(PoolItem item) {
  log_(Level::debug, "rebuffering event {} for pool {} (buf size={}, max={})", item.serial, options_.name,
       buffer_.size(), options_.buffer_size);
  make_room();
  buffer_.push_front(std::move(item));
}

// ---- for a manager that follows

void Pool::write_journal() {
  if (!journal_) {
    static_cast<void>(notes_.take());
    return;
  }
  if (notes_.empty()) return;
  if (journal_->is_long(notes_.size())) {
    // A picture says all that the notes would have said.
    static_cast<void>(notes_.take());
    keep(std::move(journal_));
  } else {
    journal_->append(notes_.take());
  }
}

void Pool::keep(std::unique_ptr<PoolJournal> journal) {
  PoolPicture picture{
      .next_serial = next_daemon_serial_, .next_pool_serial = serial_.peek(), .buffer = buffer_, .members = {}};
  for (const Member& member : members_) {
    picture.members.push_back({member.id, member.listener, member.item, member.heard});
  }
  journal_ = std::move(journal);
  journal_->begin(write_notes(picture));
}

void Pool::restore(PoolPicture picture) {
  next_daemon_serial_ = picture.next_serial;
  serial_ = Serial(picture.next_pool_serial);
  buffer_ = std::move(picture.buffer);
  for (PoolPicture::Member& from : picture.members) {
    Member* const to = find(from.id);
    if (!to) continue;
    to->listener = std::move(from.listener);
    to->item = std::move(from.item);
    to->heard = from.heard;
  }
}

std::uint64_t Pool::heard(ProcessId id) const {
  const auto found = std::ranges::find(members_, id, &Member::id);
  return found == members_.end() ? 0 : found->heard;
}

void Pool::send_rest(ProcessId id) {
  const Member* member = find(id);
  if (!member || !member->item || !port_.is_running(id)) return;
  port_.send_rest(id, member->item->pool_serial, message(*member->item));
}

// ---- all pools

Pool& Pools::add(Pool::Options options, PoolPort& port, Log& log) {
  wanted_.merge(options.subscription);
  return *pools_.emplace_back(std::make_unique<Pool>(std::move(options), port, log));
}

void Pools::add_member(Pool& pool, ProcessId id, std::string name) {
  pool.add(id, std::move(name));
  pool_of_[id] = &pool;
}

void Pools::remove(std::string_view name) {
  Pool* const pool = find(name);
  if (!pool) return;
  std::erase_if(pool_of_, [pool](const auto& entry) { return entry.second == pool; });
  std::erase_if(pools_, [pool](const auto& each) { return each.get() == pool; });
  wanted_ = {};
  for (const auto& each : pools_)
    wanted_.merge(each->subscription());
}

Pool* Pools::find(std::string_view name) {
  const auto found = std::ranges::find_if(pools_, [name](const auto& each) { return each->name() == name; });
  return found == pools_.end() ? nullptr : found->get();
}

Pool* Pools::of(ProcessId id) {
  const auto found = pool_of_.find(id);
  return found == pool_of_.end() ? nullptr : found->second;
}

void Pools::emit(events::Event event) {
  if (!wants(event.type)) return;
  const std::uint64_t serial = serial_.take();
  const auto shared = std::make_shared<const events::Event>(std::move(event));
  for (const auto& pool : pools_) {
    if (!pool->subscription().wants(shared->type)) continue;
    pool->accept(shared, serial);
    pool->dispatch();
  }
}

void Pools::emit_again(events::Event event, std::uint64_t serial) {
  const bool last = serial == serial_.peek() || serial_after(serial) == serial_.peek();
  if (!last || !wants(event.type)) return;
  serial_ = Serial(serial_after(serial));
  const auto shared = std::make_shared<const events::Event>(std::move(event));
  for (const auto& pool : pools_) {
    if (!pool->subscription().wants(shared->type) || pool->knows(serial)) continue;
    pool->accept(shared, serial);
    pool->dispatch();
  }
}

}  // namespace sup::process
