#include "os/identity.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "os/limits.h"

namespace sup::os {
namespace {

TEST(FindUser, KnowsNamesAndNumbers) {
  const auto root = find_user("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->uid, 0u);
  EXPECT_EQ(find_user("0")->name, "root");
  EXPECT_EQ(find_user(uid_t{0})->name, "root");
}

TEST(FindUser, SaysInSupervisorsWordsWhoIsUnknown) {
  EXPECT_EQ(find_user("no'such").error().text, "Can't find username \"no'such\"");
  EXPECT_EQ(find_user("987654").error().text, "Can't find uid 987654");
  EXPECT_EQ(find_user("-5").error().text, "Can't find uid -5");
}

TEST(GroupsOf, BeginWithThePrimaryGroup) {
  const auto groups = groups_of({"root", 0, 4711});
  ASSERT_FALSE(groups.empty());
  EXPECT_EQ(groups.front(), 4711u);
}

TEST(DropPrivileges, DoesNothingWhenAlreadyThatUser) {
  const std::array<gid_t, 1> groups{12345};
  EXPECT_TRUE(drop_privileges(getuid(), 12345, groups));
  EXPECT_NE(getgid(), 12345u);
}

TEST(DropPrivileges, BecomesTheUserForGoodAndRefusesFromThereOn) {
  if (getuid() != 0) GTEST_SKIP() << "needs root";
  const pid_t child = fork();
  if (child == 0) {
    const std::array<gid_t, 2> groups{12, 13};
    if (!drop_privileges(65534, 12, groups)) _exit(1);
    if (getuid() != 65534 || getgid() != 12 || getgroups(0, nullptr) != 2) _exit(2);
    if (setuid(0) == 0) _exit(3);
    const auto again = drop_privileges(1, 1, groups);
    _exit(again || again.error().text != "Can't drop privilege as nonroot user" ? 4 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Limits, AreReadAndSet) {
  const auto before = get_limit(RLIMIT_CORE);
  ASSERT_TRUE(before);
  ASSERT_TRUE(set_limit(RLIMIT_CORE, {0, before->hard}));
  EXPECT_EQ(*get_limit(RLIMIT_CORE), (Limit{0, before->hard}));
  ASSERT_TRUE(set_limit(RLIMIT_CORE, *before));
  EXPECT_EQ(set_limit(RLIMIT_CORE, {2, 1}).error().code, EINVAL);
}

}  // namespace
}  // namespace sup::os
