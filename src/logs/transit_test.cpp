// Output on its way, step by step. This process plays the keeper.
#include "logs/transit.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "logs/test_files.h"
#include "logs/test_pipes.h"

namespace sup::logs {
namespace {

struct TransitTest : testing::Test {
  Transit first;
  Pipe pipe;

  // What the keeper would hand to the successor if `first` were killed now.
  std::unique_ptr<Transit> successor() {
    Held held = held_of(first.heirlooms());
    return Transit::inherit(held);
  }
  void take(std::string_view bytes) {
    put(pipe.in, bytes);
    ASSERT_EQ(first.take(pipe.out.get(), 7, Channel::err), static_cast<ssize_t>(bytes.size()));
  }
  static std::string text(Transit& transit) { return {transit.bytes().data(), transit.bytes().size()}; }
};

TEST_F(TransitTest, reads_as_read_does) {
  ASSERT_EQ(::fcntl(pipe.out.get(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(first.take(pipe.out.get(), 7, Channel::err), -1);
  EXPECT_EQ(errno, EAGAIN);
  take("some text");
  EXPECT_EQ(text(first), "some text");
  pipe.in.reset();
  EXPECT_EQ(first.take(pipe.out.get(), 7, Channel::err), 0);
}

TEST_F(TransitTest, reads_at_most_128_kib_at_once) {
  constexpr std::size_t piece = std::size_t{128} << 10;
  if (::fcntl(pipe.in.get(), F_SETPIPE_SZ, 1 << 20) < 0) GTEST_SKIP() << "no large pipes here";
  put(pipe.in, std::string(2 * piece + 1, 'x'));
  std::size_t total = 0;
  while (total < 2 * piece + 1) {
    const ssize_t got = first.take(pipe.out.get(), 7, Channel::err);
    ASSERT_GT(got, 0);
    ASSERT_LE(static_cast<std::size_t>(got), piece);
    first.done();
    total += static_cast<std::size_t>(got);
  }
}

TEST_F(TransitTest, reads_from_what_is_no_pipe_too) {
  TestFolder folder;
  folder.put("file", "content");
  const UniqueFd file(::open(folder.path("file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(first.take(file.get(), 7, Channel::err), 7);
  EXPECT_EQ(text(first), "content");
}

TEST_F(TransitTest, leaves_nothing_when_nothing_is_on_its_way) {
  EXPECT_FALSE(successor()->left());
  take("x");
  first.done();
  EXPECT_FALSE(successor()->left());
  pipe.in.reset();
  EXPECT_EQ(first.take(pipe.out.get(), 7, Channel::err), 0);
  EXPECT_FALSE(successor()->left());
}

TEST_F(TransitTest, leaves_what_was_taken_and_not_written) {
  take("not written");
  const auto next = successor();
  const auto left = next->left();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->id, 7U);
  EXPECT_EQ(left->channel, Channel::err);
  EXPECT_EQ(left->written, 0U);
  EXPECT_EQ(left->length, 0U);
  EXPECT_FALSE(left->log);
  EXPECT_EQ(text(*next), "not written");
  next->done();
  EXPECT_FALSE(successor()->left());
}

TEST_F(TransitTest, leaves_it_again_until_it_is_done) {
  take("not written");
  EXPECT_TRUE(successor()->left());
  EXPECT_TRUE(successor()->left());
}

TEST_F(TransitTest, leaves_where_the_writing_was) {
  take("0123456789");
  first.writing(FileMark{1, 2, 100}, 4);
  first.written();
  first.writing(FileMark{1, 2, 104}, 6);
  const auto left = successor()->left();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->written, 4U);
  EXPECT_EQ(left->length, 6U);
  ASSERT_TRUE(left->log);
  EXPECT_EQ(left->log->size, 104);
  first.written();
  EXPECT_EQ(successor()->left()->written, 10U);
  EXPECT_EQ(successor()->left()->length, 0U);
}

TEST_F(TransitTest, takes_what_is_still_on_the_belt) {
  take("a long text");
  // Back to where its end was not fetched yet.
  const auto heirlooms = first.heirlooms();
  ASSERT_EQ(::write(heirlooms[1].second, "text", 4), 4);
  std::ranges::fill(first.bytes().last(4), '?');
  const auto next = successor();
  ASSERT_TRUE(next->left());
  EXPECT_EQ(text(*next), "a long text");
}

TEST_F(TransitTest, keeps_the_state_of_filters_by_channel) {
  FilterState state;
  state.held_size = 3;
  for (ProcessId id = 1; id <= 200; ++id) {
    state.stripper = static_cast<std::uint8_t>(id % 3);
    take("x");
    first.done(first.slot(id, Channel::out), state);
  }
  first.free_slot(first.slot(5, Channel::out));
  const auto next = successor();
  EXPECT_FALSE(next->left());
  for (ProcessId id = 1; id <= 200; ++id) {
    const FilterState kept = next->filter_state(next->slot(id, Channel::out));
    EXPECT_EQ(kept.stripper, id == 5 ? 0 : id % 3) << id;
    EXPECT_EQ(kept.held_size, id == 5 ? 0 : 3) << id;
  }
  EXPECT_EQ(next->filter_state(next->slot(1, Channel::err)).held_size, 0);
}

TEST_F(TransitTest, does_not_take_over_what_it_does_not_know) {
  Held held = held_of(first.heirlooms());
  held.erase(first.heirlooms()[1].first);
  EXPECT_EQ(Transit::inherit(held), nullptr);
  held = held_of(first.heirlooms());
  const char other = '?';
  ASSERT_EQ(::pwrite(first.heirlooms()[0].second, &other, 1, 0), 1);
  EXPECT_EQ(Transit::inherit(held), nullptr);
  Held nothing;
  EXPECT_EQ(Transit::inherit(nothing), nullptr);
}

}  // namespace
}  // namespace sup::logs
