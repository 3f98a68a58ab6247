#include "engine/talk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sup::engine {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  std::string read_all() {
    std::string all;
    std::array<char, 65536> buffer{};
    for (ssize_t got = 0; (got = read(out.get(), buffer.data(), buffer.size())) > 0;)
      all.append(buffer.data(), static_cast<std::size_t>(got));
    return all;
  }
  UniqueFd out, in;
};

std::string take(Talk& talk, int pipe) {
  std::array<char, 65536> buffer{};
  const ssize_t got = talk.take(pipe, buffer);
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

TEST(Talk, AnEventReachesThePipe) {
  const auto talk = Talk::begin();
  Pipe pipe;
  ASSERT_TRUE(talk->lay_down(7, "ver:3.0 and so on\nbody"));
  EXPECT_EQ(talk->move(pipe.in.get()), true);
  EXPECT_EQ(pipe.read_all(), "ver:3.0 and so on\nbody");
}

TEST(Talk, ASuccessorMovesOnlyWhatWasNotMoved) {
  const std::string event(200'000, 'e');  // more than a pipe takes
  Pipe pipe;
  const auto before = Talk::begin();
  EXPECT_FALSE(before->holds(0));
  ASSERT_TRUE(before->lay_down(7, event));
  EXPECT_EQ(before->move(pipe.in.get()), false);
  const auto after = Talk::go_on(before->memory());
  ASSERT_NE(after, nullptr);
  EXPECT_TRUE(after->holds(7));
  EXPECT_FALSE(after->holds(8));
  std::string all = pipe.read_all();
  EXPECT_LT(all.size(), event.size());
  for (int turn = 0; turn < 100 && all.size() < event.size(); ++turn) {
    static_cast<void>(after->move(pipe.in.get()));
    all += pipe.read_all();
  }
  EXPECT_EQ(all, event);
  EXPECT_EQ(after->move(pipe.in.get()), true);
  EXPECT_EQ(pipe.read_all(), "");
}

TEST(Talk, ManyEventsFollowOneAnother) {
  const auto talk = Talk::begin();
  Pipe pipe;
  for (std::uint64_t serial = 0; serial < 3000; ++serial) {
    const std::string event(5000, static_cast<char>('a' + serial % 26));
    ASSERT_TRUE(talk->lay_down(serial, event));
    ASSERT_EQ(talk->move(pipe.in.get()), true);
    ASSERT_EQ(pipe.read_all(), event);
  }
}

TEST(Talk, AnEventThatIsTooLargeIsRefused) {
  EXPECT_FALSE(Talk::begin()->lay_down(1, std::string(3 << 20, 'x')));
}

TEST(Talk, AClosedPipeIsToldFromAFullOne) {
  signal(SIGPIPE, SIG_IGN);
  const auto talk = Talk::begin();
  Pipe pipe;
  pipe.out.reset();
  ASSERT_TRUE(talk->lay_down(1, "x"));
  const auto moved = talk->move(pipe.in.get());
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, EPIPE);
}

TEST(Talk, WhatWasTakenAndNotDealtWithCanBeHadAgain) {
  const auto before = Talk::begin();
  Pipe pipe;
  ASSERT_EQ(write(pipe.in.get(), "READY\n", 6), 6);
  EXPECT_EQ(take(*before, pipe.out.get()), "READY\n");
  ASSERT_EQ(write(pipe.in.get(), "RESULT 2\nOK", 11), 11);
  EXPECT_EQ(take(*before, pipe.out.get()), "RESULT 2\nOK");
  EXPECT_EQ(Talk::go_on(before->memory())->again(0), "READY\nRESULT 2\nOK");
  EXPECT_EQ(Talk::go_on(before->memory())->again(6), "RESULT 2\nOK");
  EXPECT_EQ(Talk::go_on(before->memory())->again(17), "");
}

TEST(Talk, WhatIsDealtWithIsThrownAwayNowAndThen) {
  auto talk = Talk::begin();
  Pipe pipe;
  std::uint64_t total = 0;
  for (int turn = 0; turn < 100; ++turn) {
    const std::string text(3000, static_cast<char>('a' + turn % 26));
    ASSERT_EQ(write(pipe.in.get(), text.data(), text.size()), 3000);
    ASSERT_EQ(take(*talk, pipe.out.get()), text);
    if (turn % 7 == 0) talk = Talk::go_on(talk->memory());
    ASSERT_EQ(talk->again(total), text);
    total += text.size();
    ASSERT_EQ(talk->again(total), "");
  }
}

TEST(Talk, TheEndOfThePipeAndNothingInItAreAsForRead) {
  const auto talk = Talk::begin();
  Pipe pipe;
  std::array<char, 10> buffer{};
  EXPECT_EQ(talk->take(pipe.out.get(), buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
  pipe.in.reset();
  EXPECT_EQ(talk->take(pipe.out.get(), buffer), 0);
}

TEST(Talk, OtherMemoryIsNoTalk) {
  EXPECT_EQ(Talk::go_on(-1), nullptr);
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(Talk::go_on(null.get()), nullptr);
}

}  // namespace
}  // namespace sup::engine
