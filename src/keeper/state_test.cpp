#include "keeper/state.h"

#include <gtest/gtest.h>

#include "keeper/wire.h"

namespace sup::keeper {
namespace {

SavedState full_state() {
  SavedState state;
  state.pid = 42;
  state.version = "9.8.7";
  state.program = "/usr/bin/supervisord";
  state.daemonized = true;
  state.shutdown_signal = 15;
  state.deaths_since_order = 2;
  state.pending_signals = {1, 12};
  state.open_files = os::Limit{1024, 4096};
  state.oom_score = "-17";
  state.children.push_back({7, 100, false, {}, "a record", 5, 6, 9, 15, 10000, true, false});
  state.children.push_back({8, 101, true, {9, 1, 2, 3}, std::string("\0\xff", 2), -1, 11, -1, 1, 5, false, true});
  state.children.push_back({9, 102, false, {}, "adopted", -1, -1, -1, 15, 10000, false, false, 14});
  state.held = {{"listener unix:/x", 12}, {"", 13}};
  return state;
}

void expect_equal(const SavedState& a, const SavedState& b) {
  EXPECT_EQ(a.pid, b.pid);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.program, b.program);
  EXPECT_EQ(a.daemonized, b.daemonized);
  EXPECT_EQ(a.shutdown_signal, b.shutdown_signal);
  EXPECT_EQ(a.deaths_since_order, b.deaths_since_order);
  EXPECT_EQ(a.pending_signals, b.pending_signals);
  ASSERT_EQ(a.open_files.has_value(), b.open_files.has_value());
  if (a.open_files) {
    EXPECT_EQ(a.open_files->soft, b.open_files->soft);
    EXPECT_EQ(a.open_files->hard, b.open_files->hard);
  }
  EXPECT_EQ(a.oom_score, b.oom_score);
  EXPECT_EQ(a.held, b.held);
  ASSERT_EQ(a.children.size(), b.children.size());
  for (std::size_t i = 0; i < a.children.size(); ++i) {
    const SavedChild& x = a.children[i];
    const SavedChild& y = b.children[i];
    EXPECT_EQ(std::tie(x.id, x.pid, x.exited, x.record, x.in, x.out, x.err, x.stop_signal, x.stop_wait_ms,
                       x.stop_as_group, x.kill_as_group, x.process),
              std::tie(y.id, y.pid, y.exited, y.record, y.in, y.out, y.err, y.stop_signal, y.stop_wait_ms,
                       y.stop_as_group, y.kill_as_group, y.process));
    EXPECT_EQ(std::tie(x.exit.status, x.exit.user_usec, x.exit.system_usec, x.exit.max_rss_kb),
              std::tie(y.exit.status, y.exit.user_usec, y.exit.system_usec, y.exit.max_rss_kb));
  }
}

// "SUPKEEPR", version, needs
constexpr std::size_t head_size = 16;

TEST(State, ComesBackAsItWasWritten) {
  const auto back = read_state(write_state(full_state()));
  ASSERT_TRUE(back) << back.error().text;
  expect_equal(*back, full_state());
}

TEST(State, OfAKeeperWithoutChildrenComesBack) {
  SavedState state;
  state.pid = 1;
  const auto back = read_state(write_state(state));
  ASSERT_TRUE(back);
  expect_equal(*back, state);
}

TEST(State, CutOffAnywhereIsRefused) {
  const std::string bytes = write_state(full_state());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read_state(std::string_view(bytes).substr(0, size))) << size;
}

TEST(State, OfANewerProgramIsReadAsFarAsItIsKnown) {
  const std::string bytes = write_state(full_state());
  std::string newer = bytes.substr(0, head_size);
  newer[8] = 9;  // version, which no reader minds
  Writer unknown;
  unknown.u8(200);
  unknown.text("of a time to come");
  newer += unknown.bytes();
  // Every section has grown.
  Reader rest(std::string_view(bytes).substr(head_size));
  for (bool end = false; !end;) {
    const std::uint8_t kind = rest.u8();
    Writer grown;
    grown.u8(kind);
    grown.text(std::string(rest.text()) + "more");
    newer += grown.bytes();
    end = kind == 0;
  }
  ASSERT_TRUE(rest.ok());
  const auto back = read_state(newer);
  ASSERT_TRUE(back) << back.error().text;
  expect_equal(*back, full_state());
}

TEST(State, ThatNeedsANewerReaderIsRefused) {
  std::string bytes = write_state(full_state());
  bytes[12] = 3;
  const auto back = read_state(bytes);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().text, "the keeper's state needs a program that reads version 3 of it");
}

TEST(State, WithAdoptedProcessesNeedsAReaderThatKnowsThem) {
  SavedState state = full_state();
  EXPECT_EQ(write_state(state)[12], 2);
  state.children.pop_back();
  EXPECT_EQ(write_state(state)[12], 1);
}

TEST(State, WithImpossibleChildrenIsRefused) {
  SavedState state = full_state();
  state.children[0].id = 0;
  EXPECT_FALSE(read_state(write_state(state)));
  state = full_state();
  state.children[0].pid = -1;
  EXPECT_FALSE(read_state(write_state(state))) << "kill(-1) would reach everybody";
}

}  // namespace
}  // namespace sup::keeper
