#include "logs/pump.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>

#include "logs/carrier.h"
#include "logs/exchange.h"
#include "os/scheduling.h"

namespace sup::logs {
namespace {

constexpr std::size_t stack_size = std::size_t{256} << 10;

// A thread that no signal reaches: they are for the control thread.
pthread_t start_thread(void* (*body)(void*), void* argument) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  pthread_t thread{};
  const int code = pthread_create(&thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (code != 0) throw std::system_error(code, std::generic_category(), "pthread_create");
  pthread_setname_np(thread, "log pump");
  return thread;
}

}  // namespace

struct Pump::Impl {
  Impl(std::string syslog_path, std::unique_ptr<Transit> transit, bool take_over)
      : heirlooms(transit->heirlooms()), carrier(exchange, std::move(syslog_path), std::move(transit), take_over) {}

  std::vector<std::pair<std::string, int>> heirlooms;
  Exchange exchange;
  Carrier carrier;
  pthread_t thread{};
  bool ended = false;
};

Pump::Pump(std::string syslog_path) : syslog_path_(std::move(syslog_path)) {
  begin(std::make_unique<Impl>(syslog_path_, std::make_unique<Transit>(), false));
}

Pump::~Pump() {
  end();
}

void Pump::begin(std::unique_ptr<Impl> impl) {
  const auto body = [](void* carrier) -> void* {
    os::take_short_turns();
    static_cast<Carrier*>(carrier)->run();
    return nullptr;
  };
  impl->thread = start_thread(body, &impl->carrier);
  impl_ = std::move(impl);
}

void Pump::end() {
  if (impl_->ended) return;
  impl_->exchange.post(Command::Kind::stop, 0);
  pthread_join(impl_->thread, nullptr);
}

const std::vector<std::pair<std::string, int>>& Pump::heirlooms() const {
  return impl_->heirlooms;
}

bool Pump::take_over(std::map<std::string, UniqueFd>& held) {
  auto transit = Transit::inherit(held);
  if (!transit) return false;
  end();
  begin(std::make_unique<Impl>(syslog_path_, std::move(transit), true));
  return true;
}

void Pump::go_on() {
  impl_->exchange.post(Command::Kind::go_on, 0);
}

bool Pump::leave(Duration patience) {
  impl_->exchange.post(Command::Kind::leave, 0);
  timespec by{};
  ::clock_gettime(CLOCK_MONOTONIC, &by);
  const auto nanoseconds = by.tv_nsec + patience.count();
  by.tv_sec += nanoseconds / 1'000'000'000;
  by.tv_nsec = nanoseconds % 1'000'000'000;
  impl_->ended = pthread_clockjoin_np(impl_->thread, nullptr, CLOCK_MONOTONIC, &by) == 0;
  return impl_->ended;
}

int Pump::fd() const {
  return impl_->exchange.reports_fd();
}

std::vector<Report> Pump::reports() {
  return impl_->exchange.reports();
}

void Pump::attach(ProcessId id, Channel channel, UniqueFd pipe, ChannelPlan plan) {
  impl_->exchange.attach(id, channel, std::move(pipe), std::move(plan));
}

void Pump::drain(ProcessId id) {
  impl_->exchange.drain(id);
}

void Pump::forget(ProcessId id) {
  impl_->exchange.post(Command::Kind::drain_silently, id);
}

void Pump::reopen(ProcessId id) {
  impl_->exchange.post(Command::Kind::reopen, id);
}

void Pump::clear(ProcessId id) {
  impl_->exchange.post(Command::Kind::clear, id);
}

}  // namespace sup::logs
