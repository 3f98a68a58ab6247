#include "daemon/pidfile.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <vector>

#include "support/test_folder.h"

namespace sup::daemon {
namespace {

struct Lines final : Log {
  std::vector<std::string> lines;
  void write(Level, std::string_view message) override { lines.emplace_back(message); }
  [[nodiscard]] bool wants(Level) const override { return true; }
};

class Pidfile : public testing::Test {
 protected:
  std::string content() const { return folder.get("pid"); }

  test::TestFolder folder;
  const std::string path = folder.path("pid");
  Lines log;
};

TEST_F(Pidfile, IsWrittenAndLocked) {
  folder.put("pid", "99999999, a leftover\n");
  ASSERT_TRUE(check_pidfile(path)) << "a file that nobody has locked is overwritten, as ever";
  const std::string pid = std::to_string(getpid());
  const auto file = claim_pidfile(path, getpid(), log);
  ASSERT_TRUE(file && *file);
  EXPECT_EQ(content(), pid + "\n");
  const auto checked = check_pidfile(path);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().text, "The pidfile " + path +
                                      " is locked by another supervisord that runs (pid " + pid +
                                      ").  Shut it down first, or use another pidfile.");
  EXPECT_FALSE(claim_pidfile(path, 124, log));
  EXPECT_EQ(content(), pid + "\n");
}

TEST_F(Pidfile, OfADaemonThatWasKilledIsFreeWhenItsManagerHasLeft) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t manager = fork();
  if (manager == 0) {
    // Its keeper has ended, and it takes its time.
    const auto file = claim_pidfile(path, std::numeric_limits<pid_t>::max(), log);
    [[maybe_unused]] const ssize_t told = write(ends[1], "x", 1);
    usleep(50'000);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  close(ends[1]);
  EXPECT_TRUE(check_pidfile(path));
  const auto file = claim_pidfile(path, getpid(), log);
  EXPECT_TRUE(file && *file);
  waitpid(manager, nullptr, 0);
}

TEST_F(Pidfile, IsFreeWhenItIsRemovedWhoeverHasACopyOfItsDescriptor) {
  auto file = claim_pidfile(path, 123, log);
  ASSERT_TRUE(file && *file);
  const UniqueFd copy(dup(file->get()));
  const std::string other_name = folder.path("same file");
  std::filesystem::create_hard_link(path, other_name);
  remove_pidfile(path, *file);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(check_pidfile(other_name));
}

TEST_F(Pidfile, IsFreeWhenItsOwnersAreGone) {
  (void)claim_pidfile(path, 123, log);
  EXPECT_TRUE(check_pidfile(path));
  EXPECT_TRUE(claim_pidfile(path, 124, log));
  EXPECT_EQ(content(), "124\n");
}

TEST_F(Pidfile, ThatCannotBeWrittenIsLoggedOnly) {
  const auto file = claim_pidfile(folder.path("no/such/folder"), 123, log);
  ASSERT_TRUE(file);
  EXPECT_FALSE(*file);
  EXPECT_EQ(log.lines, std::vector<std::string>{"could not write pidfile " + folder.path("no/such/folder")});
}

TEST_F(Pidfile, ReplacesWhatIsPlantedInASharedFolder) {
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all | std::filesystem::perms::sticky_bit);
  const std::string victim = folder.path("victim");
  folder.put("victim", "precious");
  const auto claim = [&] {
    EXPECT_TRUE(check_pidfile(path));
    const auto file = claim_pidfile(path, 7, log);
    EXPECT_TRUE(file && *file);
    EXPECT_EQ(content(), "7\n");
    EXPECT_FALSE(std::filesystem::is_symlink(path));
    EXPECT_EQ(folder.get("victim"), "precious");
    std::filesystem::remove(path);
  };
  std::filesystem::create_symlink(victim, path);
  claim();
  std::filesystem::create_symlink(folder.path("none"), path);
  claim();
  EXPECT_FALSE(std::filesystem::exists(folder.path("none")));
  std::filesystem::create_hard_link(victim, path);
  const UniqueFd locked(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(flock(locked.get(), LOCK_EX | LOCK_NB), 0);
  claim();
  ASSERT_EQ(mkfifo(path.c_str(), 0666), 0);
  claim();
}

TEST_F(Pidfile, FollowsALinkWhereOnlyItsOwnerMayWrite) {
  std::filesystem::create_symlink(folder.path("real"), path);
  const auto file = claim_pidfile(path, 7, log);
  EXPECT_TRUE(file && *file);
  EXPECT_TRUE(std::filesystem::is_symlink(path));
  EXPECT_EQ(content(), "7\n");
}

TEST_F(Pidfile, ThatIsADeviceIsEverybodys) {
  const auto first = claim_pidfile("/dev/null", 123, log);
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(check_pidfile("/dev/null"));
  const auto second = claim_pidfile("/dev/null", 124, log);
  EXPECT_TRUE(second && *second);
}

}  // namespace
}  // namespace sup::daemon
