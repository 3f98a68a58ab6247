#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "http/server.h"
#include "support/test_folder.h"

namespace sup::http {
namespace {

class Listening : public testing::Test {
 protected:
  bool connects() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
  }

  test::TestFolder folder;
  std::string path = folder.path("s");
};

TEST_F(Listening, OnAUnixSocketHasTheModeAsked) {
  bool unlinked = true;
  const auto fd = listen_unix(path, 0720, -1, -1, &unlinked);
  ASSERT_TRUE(fd);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 07777, 0720u);
  EXPECT_FALSE(unlinked);
  EXPECT_TRUE(connects());
  EXPECT_EQ(files(), 1u);  // no temporary name is left
}

TEST_F(Listening, OnAUnixSocketInUseFailsAndLeavesItAlone) {
  const auto first = listen_unix(path, 0700, -1, -1, nullptr);
  const auto second = listen_unix(path, 0700, -1, -1, nullptr);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().in_use);
  EXPECT_EQ(second.error().text,
            "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut "
            "this program down first before starting supervisord.");
  EXPECT_TRUE(connects());
  EXPECT_EQ(files(), 1u);
}

TEST_F(Listening, OnAStaleUnixSocketReplacesIt) {
  { (void)listen_unix(path, 0700, -1, -1, nullptr); }
  EXPECT_FALSE(connects());
  bool unlinked = false;
  const auto fd = listen_unix(path, 0700, -1, -1, &unlinked);
  ASSERT_TRUE(fd);
  EXPECT_TRUE(unlinked);
  EXPECT_TRUE(connects());
}

TEST_F(Listening, NeverRemovesAFileThatHoldsSomething) {
  folder.put("s", "precious");
  const auto fd = listen_unix(path, 0700, -1, -1, nullptr);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().text, "Cannot open an HTTP server: socket.error reported errno.EEXIST (17)");
  EXPECT_EQ(std::filesystem::file_size(path), 8u);
}

TEST_F(Listening, FollowsNoLinkThatWasPlantedAtItsPath) {
  const std::string victim = folder.path("victim");
  folder.put("victim", "precious");
  std::filesystem::permissions(victim, std::filesystem::perms::owner_read);
  std::filesystem::create_symlink(victim, path);
  std::filesystem::create_symlink(victim, path + "." + std::to_string(getpid()));
  const auto fd = listen_unix(path, 0777, -1, -1, nullptr);
  ASSERT_TRUE(fd);
  EXPECT_TRUE(std::filesystem::is_socket(std::filesystem::symlink_status(path)));
  EXPECT_EQ(std::filesystem::status(victim).permissions(), std::filesystem::perms::owner_read);
  EXPECT_EQ(std::filesystem::file_size(victim), 8u);
}

TEST_F(Listening, NamesTheErrno) {
  path = folder.path("none/s");
  const auto fd = listen_unix(path, 0700, -1, -1, nullptr);
  ASSERT_FALSE(fd);
  EXPECT_FALSE(fd.error().in_use);
  EXPECT_EQ(fd.error().code, ENOENT);
  EXPECT_EQ(fd.error().text, "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)");
  EXPECT_EQ(listen_unix("/tmp/" + std::string(200, 'x'), 0700, -1, -1, nullptr).error().code, ENAMETOOLONG);
}

TEST_F(Listening, OnTcpTellsWhenThePortIsTaken) {
  const auto fd = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(fd);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
  const auto again = listen_tcp("127.0.0.1", ntohs(address.sin_port));
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().in_use);
}

TEST_F(Listening, OnTcpWithoutHostIsOnAllInterfaces) {
  const auto fd = listen_tcp("", 0);
  ASSERT_TRUE(fd);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(address.sin_family, AF_INET);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_ANY);
}

TEST_F(Listening, OnAForeignAddressNamesTheErrno) {
  const auto fd = listen_tcp("192.0.2.1", 0);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().text, "Cannot open an HTTP server: socket.error reported errno.EADDRNOTAVAIL (99)");
}

}  // namespace
}  // namespace sup::http
