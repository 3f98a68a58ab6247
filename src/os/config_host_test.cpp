#include "os/config_host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "support/test_folder.h"

namespace sup::os {
namespace {

TEST(ConfigHost, ReadsFilesAndSaysWhyNot) {
  const test::TestFolder folder;
  const std::string name = folder.path("file");
  const std::string text(200'000, 'x');
  folder.put("file", text);
  const ConfigHost host;
  EXPECT_EQ(host.read_file(name), text);
  EXPECT_TRUE(host.exists(name));
  EXPECT_FALSE(host.is_directory(name));
  ::unlink(name.c_str());
  EXPECT_EQ(host.read_file(name).error().code, ENOENT);
  EXPECT_EQ(host.read_file("/tmp").error().code, EISDIR);
  EXPECT_FALSE(host.exists(name));
  EXPECT_TRUE(host.is_directory("/tmp"));
}

TEST(ConfigHost, KnowsUsersAndGroups) {
  const ConfigHost host;
  EXPECT_EQ(host.uid_of("root"), 0U);
  EXPECT_EQ(host.gid_of("root"), 0U);
  EXPECT_EQ(host.primary_gid(0), 0U);
  EXPECT_EQ(host.home_of("root"), "/root");
  EXPECT_TRUE(host.uid_exists(0));
  EXPECT_TRUE(host.gid_exists(0));
  EXPECT_EQ(host.uid_of("no such user"), std::nullopt);
  EXPECT_EQ(host.gid_of("no such group"), std::nullopt);
  EXPECT_EQ(host.home_of("no such user"), "");
  EXPECT_FALSE(host.uid_exists(4'000'000'000U));
  EXPECT_FALSE(host.gid_exists(4'000'000'000U));
}

TEST(ConfigHost, CopiesTheEnvironment) {
  ::setenv("CONFIG_HOST_TEST", "a=b", 1);
  const ConfigHost host;
  ::unsetenv("CONFIG_HOST_TEST");
  EXPECT_EQ(host.environment().at("CONFIG_HOST_TEST"), "a=b");
  EXPECT_EQ(ConfigHost().environment().count("CONFIG_HOST_TEST"), 0U);
}

TEST(ConfigHost, PrefersTheVariablesForTemporaryFiles) {
  ::setenv("TMPDIR", "/var/tmp", 1);
  EXPECT_EQ(ConfigHost().temporary_directories().front(), "/var/tmp");
  ::setenv("TMPDIR", "/nonexist", 1);
  EXPECT_NE(ConfigHost().temporary_directories().front(), "/nonexist");
  ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace sup::os
