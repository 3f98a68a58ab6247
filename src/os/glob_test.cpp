#include "os/glob.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "support/test_folder.h"

namespace sup::os {
namespace {

TEST(GlobMatch, FollowsPythonsFnmatch) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*.conf", "a.conf"));
  EXPECT_FALSE(glob_match("*.conf", "a.conf~"));
  EXPECT_TRUE(glob_match("a*b*c", "axxbxbxc"));
  EXPECT_TRUE(glob_match("**", "x"));
  EXPECT_TRUE(glob_match("?", "\u00E4"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("[a-c]x", "bx"));
  EXPECT_FALSE(glob_match("[!a-c]x", "bx"));
  EXPECT_TRUE(glob_match("[!a-c]x", "dx"));
  EXPECT_TRUE(glob_match("[]]", "]"));
  EXPECT_TRUE(glob_match("[a", "[a"));
  EXPECT_TRUE(glob_match("[^a]", "^"));
  EXPECT_TRUE(glob_match("[\u00E0-\u00E6]", "\u00E4"));
  EXPECT_TRUE(glob_match("a\\*", "a\\b"));
  EXPECT_FALSE(glob_match("", "a"));
}

class Globbing : public testing::Test {
 protected:
  Globbing() {
    for (const auto* directory : {"a", "b", ".h"})
      std::filesystem::create_directory(folder.path(directory));
    for (const auto* file : {"a/1.ini", "a/2.ini", "b/1.ini", "b/.hidden.ini", ".h/3.ini", "x.conf"})
      folder.put(file, "");
  }

  std::string found(const std::string& pattern) {
    auto paths = glob(folder.path() + pattern);
    std::sort(paths.begin(), paths.end());
    std::string out;
    for (const auto& path : paths)
      out += path.substr(folder.path().size()) + " ";
    return out;
  }

  test::TestFolder folder;
};

TEST_F(Globbing, FindsFilesInOneOrManyDirectories) {
  EXPECT_EQ(found("/a/*.ini"), "/a/1.ini /a/2.ini ");
  EXPECT_EQ(found("/*/1.ini"), "/a/1.ini /b/1.ini ");
  EXPECT_EQ(found("/*/[!1].ini"), "/a/2.ini ");
  EXPECT_EQ(found("/**/1.ini"), "/a/1.ini /b/1.ini ");
}

TEST_F(Globbing, HiddenNamesNeedADot) {
  EXPECT_EQ(found("/b/*"), "/b/1.ini ");
  EXPECT_EQ(found("/b/.*"), "/b/.hidden.ini ");
  EXPECT_EQ(found("/.h/*"), "/.h/3.ini ");
}

TEST_F(Globbing, AnOrdinaryPathIsFoundWhenItExists) {
  EXPECT_EQ(found("/x.conf"), "/x.conf ");
  EXPECT_EQ(found("/a"), "/a ");
  EXPECT_EQ(found("/y.conf"), "");
  EXPECT_EQ(found("/nowhere/*"), "");
  EXPECT_EQ(found("/*/"), "/a/ /b/ ");
  EXPECT_EQ(found("/a/../a/1*"), "/a/../a/1.ini ");
}

}  // namespace
}  // namespace sup::os
