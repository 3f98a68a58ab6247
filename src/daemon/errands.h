// The errands of the control thread: one thread for what takes long, one queue for what is done in pieces.
//
// The thread is started with the first errand, so a daemon that is only asked small things has none.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "api/errands.h"
#include "base/fair_queue.h"

namespace sup::daemon {

class Errands final : public api::Errands {
 public:
  // `after` is called behind each step on the loop's thread.
  Errands(boost::asio::io_context& loop, std::function<void()> after);
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;
  ~Errands() override;  // waits for the work in hand

  void run(const api::Caller& caller, Step work, Step done) override;
  void finish(const api::Caller& caller, Step work, Step done) override;
  void later(const api::Caller& caller, Step step) override;

 private:
  struct Errand {
    Step work;
    Step done;
  };

  void begin(const api::Caller& caller);
  [[nodiscard]] Errand next();
  void work();
  void tell();
  void take_steps();
  void post_steps();

  boost::asio::io_context& loop_;
  std::function<void()> after_;
  FairQueue<Step> steps_;
  bool steps_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted, which may come too late

  std::mutex mutex_;  // guards all that follows
  std::condition_variable wake_;
  FairQueue<Errand> first_;
  FairQueue<Errand> waiting_;
  std::deque<Errand> finished_;
  bool ending_ = false;
  std::optional<std::thread> thread_;
};

}  // namespace sup::daemon
