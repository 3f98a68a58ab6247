#include "daemon/errands.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <system_error>
#include <utility>

namespace sup::daemon {
namespace {

// Of steps, until the loop looks at everything else.
constexpr std::chrono::microseconds longest_run{250};

}  // namespace

Errands::Errands(boost::asio::io_context& loop, std::function<void()> after) : loop_(loop), after_(std::move(after)) {}

Errands::~Errands() {
  if (!thread_) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_->join();
}

void Errands::run(const api::Caller& caller, Step work, Step done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push(caller.client, {std::move(work), std::move(done)});
  }
  begin(caller);
}

void Errands::finish(const api::Caller& caller, Step work, Step done) {
  {
    const std::lock_guard lock(mutex_);
    first_.push(caller.client, {std::move(work), std::move(done)});
  }
  begin(caller);
}

void Errands::begin(const api::Caller& caller) {
  if (thread_) return wake_.notify_one();
  try {
    thread_.emplace([this] { work(); });
  } catch (const std::system_error&) {
    // There is no thread to be had: better late than never.
    Errand errand = next();
    errand.work();
    later(caller, std::move(errand.done));
  }
}

Errands::Errand Errands::next() { return first_.empty() ? waiting_.pop() : first_.pop(); }

void Errands::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !first_.empty() || !waiting_.empty(); });
    if (ending_) return;
    Errand errand = next();
    lock.unlock();
    errand.work();
    lock.lock();
    finished_.push_back(std::move(errand));
    boost::asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) tell();
    });
  }
}

void Errands::tell() {
  Errand errand;
  {
    const std::lock_guard lock(mutex_);
    errand = std::move(finished_.front());
    finished_.pop_front();
  }
  errand.done();
  after_();
}

void Errands::later(const api::Caller& caller, Step step) {
  steps_.push(caller.client, std::move(step));
  post_steps();
}

void Errands::post_steps() {
  if (std::exchange(steps_posted_, true)) return;
  boost::asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) take_steps();
  });
}

void Errands::take_steps() {
  using SteadyClock = std::chrono::steady_clock;
  const auto end = SteadyClock::now() + longest_run;
  while (!steps_.empty() && SteadyClock::now() < end) {
    Step step = steps_.pop();
    step();
  }
  steps_posted_ = false;
  if (!steps_.empty()) post_steps();
  after_();
}

}  // namespace sup::daemon
