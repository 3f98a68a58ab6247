#include "daemon/errands.h"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace sup::daemon {
namespace {

class ErrandsTest : public testing::Test {
 protected:
  // Runs the loop until so many steps are done.
  void run_until(int count) {
    const auto guard = boost::asio::make_work_guard(loop);
    while (done < count && loop.run_one_for(std::chrono::seconds(60)) > 0)
      continue;
    EXPECT_EQ(done, count);
  }
  static api::Caller client(std::uint64_t number) { return {.client = number}; }

  boost::asio::io_context loop;
  int done = 0;
  int after = 0;
  std::optional<Errands> errands{std::in_place, loop, [this] { ++after; }};
};

TEST_F(ErrandsTest, WorkElsewhereAndAreDoneHere) {
  std::thread::id worker;
  errands->run({}, [&] { worker = std::this_thread::get_id(); },
               [&] {
                 EXPECT_NE(worker, std::thread::id());
                 EXPECT_NE(worker, std::this_thread::get_id());
                 EXPECT_EQ(after, 0);
                 ++done;
               });
  run_until(1);
  EXPECT_EQ(after, 1);
}

TEST_F(ErrandsTest, LetClientsTakeTurns) {
  std::string order;
  const auto step = [&](char name) {
    return [this, &order, name] {
      order += name;
      ++done;
    };
  };
  for (int i = 0; i < 3; ++i)
    errands->later(client(1), step('a'));
  for (int i = 0; i < 2; ++i)
    errands->later(client(2), step('b'));
  errands->later(client(3), step('c'));
  run_until(6);
  EXPECT_EQ(order, "abcaba");
}

TEST_F(ErrandsTest, AreFinishedBeforeOthersBegin) {
  std::string order;
  std::latch begun(1), let_go(1);
  const auto errand = [&](char name) { return [&order, name] { order += name; }; };
  const auto count = [this] { ++done; };
  errands->run(client(1), [&] { begun.count_down(), let_go.wait(); }, count);
  begun.wait();
  errands->run(client(1), errand('a'), count);
  errands->run(client(2), errand('b'), count);
  errands->finish(client(3), errand('c'), count);
  let_go.count_down();
  run_until(4);
  EXPECT_EQ(order, "cab");
}

TEST_F(ErrandsTest, LetEverybodyElseHaveATurnBetweenSteps) {
  bool stop = false;
  std::function<void()> endless = [&] {
    if (!stop) errands->later(client(1), endless);
  };
  errands->later(client(1), endless);
  boost::asio::post(loop, [this, &stop] {
    stop = true;
    ++done;
  });
  run_until(1);
}

TEST_F(ErrandsTest, ThatAreNotBegunAreForgottenAtTheEnd) {
  const auto token = std::make_shared<int>();
  for (int i = 0; i < 100; ++i)
    errands->run(client(1), [token] {}, [this, token] { ++done; });
  errands->later(client(1), [this, token] { ++done; });
  errands.reset();
  loop.poll();
  EXPECT_EQ(done, 0);
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace sup::daemon
