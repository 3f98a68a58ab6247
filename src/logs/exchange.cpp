#include "logs/exchange.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sup::logs {
namespace {

constexpr std::size_t enough_reported = std::size_t{4} << 20;

UniqueFd make_eventfd() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

// Neither can fail: the counter goes from 0 to 1 and back.
void raise(const UniqueFd& fd) {
  static_cast<void>(::eventfd_write(fd.get(), 1));
}

void lower(const UniqueFd& fd) {
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(fd.get(), &count));
}

unsigned bit(Channel channel) {
  return 1U << static_cast<unsigned>(channel);
}

}  // namespace

Exchange::Exchange() : commands_ready_(make_eventfd()), reports_ready_(make_eventfd()) {}

void Exchange::post_locked(Command command) {
  const bool first = commands_.empty();
  commands_.push_back(std::move(command));
  // Before the pump wakes up: it may do so at once, on this processor, and would look again and again for what is
  // told by has_commands().
  has_commands_.store(true, std::memory_order_relaxed);
  if (first) raise(commands_ready_);
}

void Exchange::report_locked(Report report) {
  if (reports_.empty()) raise(reports_ready_);
  reported_bytes_ += report.bytes.size();
  reports_.push_back(std::move(report));
}

void Exchange::attach(ProcessId id, Channel channel, UniqueFd pipe, ChannelPlan plan) {
  auto moved = std::make_unique<ChannelPlan>(std::move(plan));
  const std::scoped_lock lock(mutex_);
  open_[id] |= bit(channel);
  post_locked({Command::Kind::attach, id, channel, std::move(pipe), std::move(moved)});
}

void Exchange::drain(ProcessId id) {
  const std::scoped_lock lock(mutex_);
  const bool nothing_to_wait_for = !open_.contains(id);
  post_locked({nothing_to_wait_for ? Command::Kind::drain_silently : Command::Kind::drain, id, {}, {}, {}});
  if (nothing_to_wait_for) report_locked({.kind = Report::Kind::drained, .id = id});
}

void Exchange::post(Command::Kind kind, ProcessId id) {
  const std::scoped_lock lock(mutex_);
  post_locked({kind, id, {}, {}, {}});
}

std::vector<Report> Exchange::reports() {
  const std::scoped_lock lock(mutex_);
  lower(reports_ready_);
  reported_bytes_ = 0;
  if (std::exchange(pump_waits_, false)) post_locked({});
  return std::exchange(reports_, {});
}

std::vector<Command> Exchange::commands() {
  const std::scoped_lock lock(mutex_);
  lower(commands_ready_);
  has_commands_.store(false, std::memory_order_relaxed);
  return std::exchange(commands_, {});
}

void Exchange::report(Report report) {
  const std::scoped_lock lock(mutex_);
  report_locked(std::move(report));
}

void Exchange::report_closed(ProcessId id, Channel channel) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = open_.find(id); found != open_.end()) {
    found->second &= ~bit(channel);
    if (found->second == 0) open_.erase(found);
  }
  report_locked({.kind = Report::Kind::closed, .id = id, .channel = channel});
}

bool Exchange::is_full() {
  const std::scoped_lock lock(mutex_);
  if (reported_bytes_ < enough_reported) return false;
  pump_waits_ = true;
  return true;
}

}  // namespace sup::logs
