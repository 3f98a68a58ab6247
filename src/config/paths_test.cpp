#include "config/paths.h"

#include <gtest/gtest.h>

#include "support/fake_host.h"

namespace sup::config {
namespace {

TEST(Paths, DirectoryIsWhatStandsBeforeTheLastSlash) {
  EXPECT_EQ(directory_of("/a/b"), "/a");
  EXPECT_EQ(directory_of("/a"), "/");
  EXPECT_EQ(directory_of("a"), "");
  EXPECT_EQ(directory_of("a/"), "a");
  EXPECT_EQ(directory_of("a//b"), "a");
  EXPECT_EQ(directory_of("//b"), "//");
}

TEST(Paths, AreJoinedUnlessTheSecondIsAbsolute) {
  EXPECT_EQ(join_path("/a", "b"), "/a/b");
  EXPECT_EQ(join_path("/a/", "b"), "/a/b");
  EXPECT_EQ(join_path("/a", "/b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

TEST(Paths, AreNormalizedByTextAlone) {
  EXPECT_EQ(normal_path(""), ".");
  EXPECT_EQ(normal_path("a/./b//c/"), "a/b/c");
  EXPECT_EQ(normal_path("/a/../../b"), "/b");
  EXPECT_EQ(normal_path("a/../.."), "..");
  EXPECT_EQ(normal_path("a/.."), ".");
  EXPECT_EQ(normal_path("//a"), "//a");
  EXPECT_EQ(normal_path("///a"), "/a");
  EXPECT_EQ(normal_path("/"), "/");
}

TEST(Paths, ExpandUsersThatExist) {
  const test::FakeHost host;
  EXPECT_EQ(expand_user("~", host), "/home/chris");
  EXPECT_EQ(expand_user("~/x", host), "/home/chris/x");
  EXPECT_EQ(expand_user("~root/x", host), "/home/root/x");
  EXPECT_EQ(expand_user("~nosuch/x", host), "~nosuch/x");
  EXPECT_EQ(expand_user("a~", host), "a~");
}

TEST(Paths, BecomeAbsoluteAgainstTheWorkingDirectory) {
  const test::FakeHost host;
  EXPECT_EQ(normalize_path("x/../y", host), "/etc/y");
  EXPECT_EQ(normalize_path("", host), "/etc");
  EXPECT_EQ(normalize_path("~/../x", host), "/home/x");
}

}  // namespace
}  // namespace sup::config
