#include "http/output.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace sup::http {
namespace {

TEST(Output, SendsNoMoreThanItsBudgetInOneTurn) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const UniqueFd ours(fds[0]), theirs(fds[1]);
  Output output;
  output.append(std::string(100'000, 'a'));
  EXPECT_EQ(output.send_to(ours.get(), 30'000), Output::Sent::enough);
  std::string got(100'000, '\0');
  EXPECT_EQ(::recv(theirs.get(), got.data(), got.size(), 0), 30'000);
  EXPECT_EQ(output.send_to(ours.get(), 70'000), Output::Sent::all);
}

TEST(Output, SendsSharedBytesInTheirPlaceAndLetsThemGo) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const UniqueFd ours(fds[0]), theirs(fds[1]);
  auto shared = std::make_shared<const std::string>(40'000, 's');
  Output output;
  output.append(std::string_view("head"));
  output.append(shared);
  output.append(std::string_view("next"));
  output.append(std::make_shared<const std::string>("small"));
  EXPECT_EQ(output.size(), 40'013u);
  EXPECT_EQ(output.send_to(ours.get(), 10'000), Output::Sent::enough);
  EXPECT_EQ(shared.use_count(), 2);
  EXPECT_EQ(output.send_to(ours.get(), 100'000), Output::Sent::all);
  EXPECT_EQ(shared.use_count(), 1);
  std::string got(100'000, '\0');
  got.resize(static_cast<std::size_t>(::recv(theirs.get(), got.data(), got.size(), 0)));
  EXPECT_EQ(got, "head" + *shared + "nextsmall");
}

TEST(Output, GivesBackTheMemoryOfWhatIsSent) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const UniqueFd ours(fds[0]), theirs(fds[1]);
  const auto allocated = [] {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  std::string got(100'000, '\0');
  Output output;
  const std::size_t before = allocated();
  for (int i = 0; i < 200; ++i) {
    output.append(std::string(60'000, 'a'));
    if (i < 2) continue;  // some of it is always left
    (void)output.send_to(ours.get(), 60'000);
    ASSERT_EQ(::recv(theirs.get(), got.data(), got.size(), 0), 60'000);
  }
  EXPECT_EQ(output.size(), 120'000u);
  EXPECT_LT(allocated(), before + 1'000'000);
}

}  // namespace
}  // namespace sup::http
