#include "os/shared_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"
#include "support/test_folder.h"

namespace sup::os {
namespace {

class SharedFolder : public testing::Test {
 protected:
  std::string make_file(const std::string& name, mode_t mode = 0600) {
    folder.put(name, "x");
    ::chmod(folder.path(name).c_str(), mode);
    return folder.path(name);
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  static bool is_private(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return is_private_file(fd.get());
  }

  test::TestFolder folder;
};

TEST_F(SharedFolder, IsOneWhereEverybodyMayWrite) {
  EXPECT_FALSE(is_in_shared_folder(folder.path("x")));
  ::chmod(folder.path().c_str(), 01777);
  EXPECT_TRUE(is_in_shared_folder(folder.path("x")));
  EXPECT_FALSE(is_in_shared_folder("/etc/x"));
  EXPECT_TRUE(is_in_shared_folder("/no/such/folder/x"));
}

TEST_F(SharedFolder, HoldsPrivateFilesAndOthers) {
  const std::string mine = make_file("mine");
  EXPECT_TRUE(is_private(mine));
  std::filesystem::create_hard_link(mine, folder.path("second"));
  EXPECT_FALSE(is_private(mine));
  EXPECT_FALSE(is_private("/dev/null"));
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const std::string theirs = make_file("theirs");
  ASSERT_EQ(::chown(theirs.c_str(), 65534, 65534), 0);
  EXPECT_FALSE(is_private(theirs));
}

TEST_F(SharedFolder, GivesModesToSocketsOnly) {
  const std::string path = folder.path("s");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(set_socket_mode(path, 0721));
  EXPECT_EQ(mode_of(path), 0721u);
  EXPECT_TRUE(set_socket_owner(path, ::geteuid(), ::getegid()));

  const std::string victim = make_file("victim");
  std::filesystem::create_symlink(victim, folder.path("link"));
  std::filesystem::create_symlink(path, folder.path("link to socket"));
  for (const auto* name : {"link", "link to socket", "victim", "none"}) {
    EXPECT_FALSE(set_socket_mode(folder.path(name), 0777)) << name;
    EXPECT_FALSE(set_socket_owner(folder.path(name), ::geteuid(), ::getegid())) << name;
  }
  EXPECT_EQ(mode_of(victim), 0600u);
  EXPECT_EQ(mode_of(path), 0721u);
}

}  // namespace
}  // namespace sup::os
