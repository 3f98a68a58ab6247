#include "daemon/child_inputs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>

namespace sup::daemon {
namespace {

using std::chrono::milliseconds;

class ChildInputsTest : public testing::Test {
 protected:
  ChildInputsTest() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) ADD_FAILURE() << "pipe2";
    child.reset(ends[0]);
    ours.reset(ends[1]);
    fcntl(ours.get(), F_SETPIPE_SZ, 4096);
  }
  // What has arrived, and then until nothing more comes.
  std::string read_all() {
    std::string all;
    char bytes[1024];
    for (ssize_t got = 0; (got = read(child.get(), bytes, sizeof bytes)) > 0;) all.append(bytes, static_cast<std::size_t>(got));
    return all;
  }
  std::string arrives(std::size_t size) {
    std::string all = read_all();
    for (int turns = 0; all.size() < size && turns < 1000; ++turns) {
      loop.restart();
      loop.run_for(milliseconds(10));
      all += read_all();
    }
    return all;
  }

  boost::asio::io_context loop;
  const boost::asio::steady_timer other{loop};  // Asio has all its own descriptors from here on
  ChildInputs inputs{loop};
  UniqueFd child, ours;
  const std::string much = std::string(10'000, 'a') + "end";
};

// No more descriptors, as long as it lives.
class NoDescriptors {
 public:
  explicit NoDescriptors(int any) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(dup(any));
    const rlimit none{static_cast<rlim_t>(next.get()), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ChildInputsTest, WhatThePipeDoesNotTakeFollows) {
  ASSERT_TRUE(inputs.write(1, ours.get(), much));
  EXPECT_FALSE(inputs.idle());
  ASSERT_TRUE(inputs.write(1, ours.get(), "more"));
  EXPECT_EQ(arrives(much.size() + 4), much + "more");
  EXPECT_TRUE(inputs.idle());
}

TEST_F(ChildInputsTest, WhatIsLeftFollowsEvenWithoutADescriptorToWaitWith) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UndefinedBehaviorSanitizer, its companion, looks through a pipe whether memory is there";
#endif
  {
    const NoDescriptors here(0);
    ASSERT_TRUE(inputs.write(1, ours.get(), much)) << "a part is written already";
    EXPECT_EQ(arrives(much.size()), much);
    EXPECT_TRUE(inputs.idle());
    ASSERT_TRUE(inputs.write(1, ours.get(), much));
  }
  EXPECT_EQ(arrives(much.size()), much);
  EXPECT_TRUE(inputs.idle());
}

TEST_F(ChildInputsTest, WhatIsKeptForItIsNotCopiedAndLetGoInTheEnd) {
  auto text = std::make_shared<const std::string>(1'000'000, 'x');
  const std::weak_ptr<const std::string> watched = text;
  ASSERT_TRUE(inputs.write(1, ours.get(), "before"));
  ASSERT_TRUE(inputs.write(1, ours.get(), {*text, text}));
  ASSERT_TRUE(inputs.write(1, ours.get(), "behind"));
  const std::size_t size = text->size() + 12;
  text.reset();
  EXPECT_FALSE(watched.expired());
  const std::string all = arrives(size);
  EXPECT_EQ(all.size(), size);
  EXPECT_TRUE(all.starts_with("beforexxx") && all.ends_with("xxxbehind"));
  EXPECT_TRUE(watched.expired());
  EXPECT_TRUE(inputs.idle());
}

TEST_F(ChildInputsTest, AReaderThatTakesEverythingGetsItInSlices) {
  fcntl(ours.get(), F_SETPIPE_SZ, 1024 * 1024);
  const std::string text(1'000'000, 'x');
  ASSERT_TRUE(inputs.write(1, ours.get(), text));
  int waiting = 0;
  ASSERT_EQ(ioctl(child.get(), FIONREAD, &waiting), 0);
  EXPECT_LT(waiting, 500'000);
  EXPECT_EQ(arrives(text.size()), text);
}

TEST_F(ChildInputsTest, NothingIsWrittenToWhatIsForgotten) {
  ASSERT_TRUE(inputs.write(1, ours.get(), much));
  {
    const NoDescriptors here(0);
    ASSERT_TRUE(inputs.write(2, ours.get(), "b"));
    inputs.forget(2);
  }
  inputs.forget(1);
  EXPECT_TRUE(inputs.idle());
  EXPECT_EQ(read_all().size(), 4096u);
  loop.run_for(milliseconds(100));
  EXPECT_EQ(read_all(), "");
}

TEST_F(ChildInputsTest, APipeThatIsClosedIsAnError) {
  child.reset();
  signal(SIGPIPE, SIG_IGN);
  const auto written = inputs.write(1, ours.get(), "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, EPIPE);
}

}  // namespace
}  // namespace sup::daemon
