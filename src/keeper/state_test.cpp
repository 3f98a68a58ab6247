#include "keeper/state.h"

#include <gtest/gtest.h>

#include "keeper/wire.h"
#include "support/saved_state.h"

namespace sup::keeper {
namespace {

SavedState full_state() {
  SavedState state = golden::full_state("a record", std::string("\0\xff", 2));
  state.held[""] = 15;
  return state;
}

void expect_equal(const SavedState& a, const SavedState& b) {
  EXPECT_EQ(golden::describe(a), golden::describe(b));
  EXPECT_EQ(a.open_files.has_value(), b.open_files.has_value());
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
  std::erase_if(state.children, [](const SavedChild& child) { return child.process >= 0; });
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
