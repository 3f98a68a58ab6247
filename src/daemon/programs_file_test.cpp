#include "daemon/programs_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "engine/test_surroundings.h"
#include "os/other_process.h"
#include "support/test_folder.h"

namespace sup::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string head = programs_head("boot pid:[1]");

std::vector<ProgramLine> read_all(std::string_view text) { return read_lines(text, "boot pid:[1]"); }

TEST(ProgramLines, ComeBackAsTheyWereWritten) {
  const ProgramLine plain{"g", "n", 0x123, 4711, 98765};
  const ProgramLine odd{"a b%c", "\xff\n:\x7f", ~0ull, 2147483647, ~0ull};
  EXPECT_THAT(read_all(head + write_line(plain) + write_line(odd)), ElementsAre(plain, odd));
}

TEST(ProgramLines, OfProcessesThatWereNeverStartedAreLeftOut) {
  EXPECT_THAT(read_all(head + write_line({"g", "n", 1, 0, 0})), IsEmpty());
}

TEST(ProgramLines, HaveTheirPlacesAtTheSameSpotWhateverTheirNumbers) {
  const std::string small = write_line({"g", "n", 1, 2, 3});
  const std::string large = write_line({"g", "n", 1, 2147483647, ~0ull});
  EXPECT_EQ(small.size(), large.size());
  EXPECT_EQ(small.substr(31), large.substr(31));
}

TEST(ProgramLines, OfAnotherBootOrAnotherPidNamespaceMeanNothing) {
  const std::string text = head + write_line({"g", "n", 1, 2, 3});
  EXPECT_THAT(read_lines(text, "boot pid:[1]"), SizeIs(1));
  EXPECT_THAT(read_lines(text, "boot pid:[2]"), IsEmpty());
  EXPECT_THAT(read_lines(text, "boot"), IsEmpty());
  EXPECT_THAT(read_lines(text, ""), IsEmpty());
}

TEST(ProgramLines, CutOffAnywhereAreWholeOrNotThere) {
  const ProgramLine one{"g", "n", 1, 2, 3};
  const ProgramLine two{"g", "nn", 1, 4, 5};
  const std::string text = head + write_line(one) + write_line(two);
  for (std::size_t size = 0; size < text.size(); ++size) {
    for (const ProgramLine& line : read_all(text.substr(0, size))) EXPECT_EQ(line, one) << size;
  }
}

TEST(ProgramLines, ThatMakeNoSenseAreLeftOut) {
  const ProgramLine good{"g", "n", 1, 2, 3};
  for (const char* bad : {"", "2 3 1 g", "2 3 1 g n more", "1 3 1 g n", "-1 3 1 g n", "2 -3 1 g n", "x 3 1 g n",
                          "2 3 x g n", "2 3 1 g% n", "2 3 1 g %4", "2 3 1 %zz n", "99999999999 3 1 g n"}) {
    EXPECT_THAT(read_all(head + bad + "\n" + write_line(good)), ElementsAre(good)) << bad;
  }
}

// ---- the file

class ProgramsFileTest : public testing::Test {
 protected:
  ProgramsFileTest() {
    world.add({"x"});
    world.add({"y"});
  }
  ~ProgramsFileTest() override {
    for (const pid_t pid : children) end(pid);
  }
  pid_t child() {
    const pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    children.push_back(pid);
    return pid;
  }
  void end(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  // Who survives, as a daemon that starts now sees it.
  [[nodiscard]] std::vector<std::string> survivors() {
    ProgramsFile next(world.log);
    next.open(pidfile);
    std::vector<std::string> names;
    for (const engine::Survivor& one : next.survivors()) names.push_back(one.name + " " + std::to_string(one.pid));
    return names;
  }
  // `x` runs as a child of the test, and the file says so.
  pid_t run_x() {
    const pid_t pid = child();
    file.open(pidfile);
    file.write(world.engine.table());
    file.on_birth(world.entry("x").id, pid);
    return pid;
  }

  test::TestFolder folder;
  const std::string pidfile = folder.path("pid");
  const std::string path = pidfile + ".programs";
  std::vector<pid_t> children;
  engine::World world;
  ProgramsFile file{world.log};
};

TEST_F(ProgramsFileTest, KnowsWhoRuns) {
  file.open(pidfile);
  file.write(world.engine.table());
  EXPECT_THAT(survivors(), IsEmpty());
  const pid_t pid = child();
  file.on_birth(world.entry("y").id, pid);
  EXPECT_THAT(survivors(), ElementsAre("y " + std::to_string(pid)));
  const pid_t again = child();
  file.on_birth(world.entry("y").id, again);
  EXPECT_THAT(survivors(), ElementsAre("y " + std::to_string(again)));
  end(again);
  EXPECT_THAT(survivors(), IsEmpty());
  file.remove();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(ProgramsFileTest, DoesNotTakeAZombieForASurvivor) {
  const pid_t pid = run_x();
  kill(pid, SIGKILL);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_THAT(survivors(), IsEmpty());
}

TEST_F(ProgramsFileTest, DoesNotTakeAnotherProcessOfTheSamePidForASurvivor) {
  const pid_t pid = run_x();
  const std::uint64_t start = os::start_time(pid).value();
  const auto write = [&](std::uint64_t time) {
    folder.put("pid.programs", programs_head(os::pid_space()) + write_line({"x", "x", 1, pid, time}));
  };
  write(start);
  EXPECT_THAT(survivors(), SizeIs(1));
  write(start + 1);
  EXPECT_THAT(survivors(), IsEmpty());
  write(start - 1);
  EXPECT_THAT(survivors(), IsEmpty());
}

TEST_F(ProgramsFileTest, WrittenAnewKeepsWhatItKnew) {
  const pid_t pid = run_x();
  world.start("x");
  world.entry("x").machine.pid = pid;
  world.add({"z"});
  file.write(world.engine.table());
  EXPECT_THAT(survivors(), ElementsAre("x " + std::to_string(pid)));
  // By a manager that takes over, too.
  ProgramsFile next(world.log);
  next.open(pidfile);
  next.write(world.engine.table());
  EXPECT_THAT(survivors(), ElementsAre("x " + std::to_string(pid)));
}

TEST_F(ProgramsFileTest, IsOnlyForItsOwner) {
  run_x();
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(chmod(path.c_str(), 0602), 0);
  EXPECT_THAT(survivors(), IsEmpty());
  EXPECT_THAT(world.log.lines.back(), HasSubstr("not a file that only this user can have written"));
}

TEST_F(ProgramsFileTest, ReplacesALinkAndDoesNotFollowIt) {
  const std::string victim = folder.path("victim");
  folder.put("victim", "precious");
  std::filesystem::create_symlink(victim, path);
  std::filesystem::create_symlink(victim, path + ".new");
  run_x();
  EXPECT_EQ(std::filesystem::file_size(victim), 8u);
  EXPECT_FALSE(std::filesystem::is_symlink(path));
  EXPECT_THAT(survivors(), SizeIs(1));
}

TEST_F(ProgramsFileTest, ThatCannotBeWrittenIsDoneWithout) {
  ProgramsFile none(world.log);
  none.open(folder.path("no/such/pid"));
  none.write(world.engine.table());
  EXPECT_THAT(world.log.lines.back(), HasSubstr("cannot know its programs"));
  none.on_birth(world.entry("x").id, getpid());
  none.write(world.engine.table());
  none.remove();
}

}  // namespace
}  // namespace sup::daemon
