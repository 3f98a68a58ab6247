#include "daemon/engine_loop.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sup::daemon {
namespace {

using boost::asio::posix::stream_descriptor;

int duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
  return copy;
}

}  // namespace

EngineLoop::EngineLoop(boost::asio::io_context& loop, keeper::Client& keeper, logs::Pump& pump, engine::Engine& engine)
    : keeper_(keeper),
      pump_(pump),
      engine_(engine),
      keeper_socket_(loop, duplicate(keeper.fd())),
      pump_events_(loop, duplicate(pump.fd())),
      timer_(loop) {}

void EngineLoop::begin() {
  watch_keeper();
  watch_pump();
  keeper_.receive(engine_);
  after_input();
}

void EngineLoop::after_input() {
  watch_keeper_writes();
  arm_timer();
}

void EngineLoop::take_reports() {
  for (logs::Report& report : pump_.reports()) engine_.on_report(std::move(report));
}

void EngineLoop::watch_keeper() {
  keeper_socket_.async_wait(stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    keeper_.receive(engine_);
    after_input();
    watch_keeper();
  });
}

void EngineLoop::watch_keeper_writes() {
  if (waiting_to_write_ || !keeper_.wants_write()) return;
  waiting_to_write_ = true;
  keeper_socket_.async_wait(stream_descriptor::wait_write, [this](const boost::system::error_code& error) {
    waiting_to_write_ = false;
    if (error) return;
    keeper_.flush();
    watch_keeper_writes();
  });
}

void EngineLoop::watch_pump() {
  pump_events_.async_wait(stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    take_reports();
    after_input();
    watch_pump();
  });
}

void EngineLoop::arm_timer() {
  const std::optional<Time> next = engine_.next_deadline();
  if (next == armed_) return;
  armed_ = next;
  if (!next) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*next);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    armed_.reset();
    engine_.on_time();
    after_input();
  });
}

}  // namespace sup::daemon
