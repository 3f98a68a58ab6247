#include "ctl/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/test_folder.h"

namespace sup::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(History, ComesBackAsItWasWrittenAndIsReadableForItsOwnerOnly) {
  const test::TestFolder folder;
  const std::string path = folder.path("history");
  write_history(path, {"status", "start \xc3\xa9"});
  EXPECT_THAT(read_history(path), ElementsAre("status", "start \xc3\xa9"));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  write_history(path, {"pid"});
  EXPECT_THAT(read_history(path), ElementsAre("pid"));
}

TEST(History, AFileThatCannotBeReadIsEmpty) {
  EXPECT_THAT(read_history("/nonexistent/history"), IsEmpty());
  EXPECT_THAT(read_history("/"), IsEmpty());
  write_history("/nonexistent/history", {"x"});
}

}  // namespace
}  // namespace sup::ctl
