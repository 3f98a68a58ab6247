#include "process/pool.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sup::process {

std::uint64_t Serial::take() {
  constexpr std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  const std::uint64_t taken = next_;
  next_ = taken >= last ? 0 : taken + 1;
  return taken;
}

Pool::Pool(Options options, PoolPort& port, Log& log) : options_(std::move(options)), port_(port), log_(log) {}

void Pool::add(ProcessId id, std::string name) {
  members_.push_back({.id = id, .name = std::move(name), .listener = {}, .item = {}});
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
}

void Pool::dispatch() {
  while (!buffer_.empty() && std::ranges::any_of(members_, [this](const Member& m) { return can_take(m); })) {
    Item item = std::move(buffer_.front());
    buffer_.pop_front();
    if (!send(item)) {
      put_back(std::move(item));
      return;
    }
  }
}

void Pool::started(ProcessId id) {
  adopted(id, ListenerState::acknowledged);
}

void Pool::adopted(ProcessId id, ListenerState state) {
  ended(id);
  if (Member* member = find(id)) member->listener = Listener(state);
}

void Pool::output(ProcessId id, std::string_view bytes) {
  Member* member = find(id);
  if (!member) return;
  for (const ListenerStep& step : member->listener.feed(bytes)) {
    log_step(log_, member->name, step);
    if (step.verdict == ListenerStep::Verdict::none) continue;
    std::optional<Item> item = std::exchange(member->item, std::nullopt);
    if (item && step.returns_event()) put_back(std::move(*item));
  }
  dispatch();
}

void Pool::ended(ProcessId id) {
  Member* member = find(id);
  if (!member) return;
  member->listener = Listener();
  if (std::optional<Item> item = std::exchange(member->item, std::nullopt)) put_back(std::move(*item));
  dispatch();
}

Pool::Member* Pool::find(ProcessId id) {
  const auto found = std::ranges::find(members_, id, &Member::id);
  return found == members_.end() ? nullptr : &*found;
}

bool Pool::can_take(const Member& member) const {
  return member.listener.state() == ListenerState::ready && port_.is_running(member.id);
}

bool Pool::send(const Item& item) {
  const std::string bytes =
      events::envelope(options_.identifier, item.serial, options_.name, item.pool_serial, *item.event);
  for (Member& member : members_) {
    if (!can_take(member)) continue;
    if (!port_.send(member.id, bytes)) {
      log_(Level::debug, "epipe occurred while sending event {} to listener {}, listener state unchanged", item.serial,
           member.name);
      continue;
    }
    member.listener.sent();
    member.item = item;
    log_(Level::debug, "event {} sent to listener {}", item.serial, member.name);
    return true;
  }
  return false;
}

void Pool::make_room() {
  if (buffer_.empty() || buffer_.size() < options_.buffer_size) return;
  log_(Level::error, "pool {} event buffer overflowed, discarding event {}", options_.name, buffer_.front().serial);
  buffer_.pop_front();
}

void Pool::put_back(Item item) {
  log_(Level::debug, "rebuffering event {} for pool {} (buf size={}, max={})", item.serial, options_.name,
       buffer_.size(), options_.buffer_size);
  make_room();
  buffer_.push_front(std::move(item));
}

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

}  // namespace sup::process
