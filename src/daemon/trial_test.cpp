#include "daemon/trial.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "os/memory_file.h"

namespace sup::daemon {
namespace {

constexpr Duration long_enough = std::chrono::minutes(1);

// What came of asking a shell that runs `script`: its line, or "error: " and the reason.
std::string ask(const std::string& script, Duration patience = long_enough, const std::string& program = "/bin/sh") {
  boost::asio::io_context loop;
  auto file = os::write_memory_file("test", "the subject");
  EXPECT_TRUE(file);
  std::optional<Result<std::string>> answer;
  run_trial(loop, program, {"sh", "-c", script}, std::move(*file), patience, [&](Result<std::string> result) {
    EXPECT_FALSE(answer) << "told once";
    answer = std::move(result);
  });
  loop.run();
  if (!answer) return "nothing";
  return *answer ? **answer : "error: " + answer->error().text;
}

TEST(Trial, TellsTheFirstLineOfAProgramThatIsWilling) { EXPECT_EQ(ask("echo; echo yes; echo more"), "yes"); }
TEST(Trial, GivesTheSubjectAsDescriptor3) { EXPECT_EQ(ask("cat /proc/self/fd/3"), "the subject"); }
TEST(Trial, QuotesAProgramThatRefuses) { EXPECT_EQ(ask("echo why >&2; exit 1"), "error: why"); }
TEST(Trial, TellsTheEndOfASilentProgram) {
  EXPECT_EQ(ask("exit 3"), "error: it ended with exit status 3");
  EXPECT_EQ(ask("kill -SEGV $$"), "error: it was terminated by SIGSEGV");
}
TEST(Trial, TellsThatAProgramCannotBeRun) {
  EXPECT_EQ(ask("", long_enough, "/no/such/program"), "error: exec /no/such/program: No such file or directory");
}
TEST(Trial, EndsAProgramThatDoesNotAnswer) {
  EXPECT_EQ(ask("exec sleep 1000", std::chrono::milliseconds(50)), "error: it did not answer in time");
}
TEST(Trial, KillsAProgramThatStaysWithoutOutput) {
  EXPECT_EQ(ask("echo yes; exec >&- 2>&-; exec sleep 1000"), "error: yes") << "its exit status is that of SIGKILL";
}
TEST(Trial, EndsWithTheLoop) {
  bool called = false;
  {
    boost::asio::io_context loop;
    auto file = os::write_memory_file("test", "");
    ASSERT_TRUE(file);
    run_trial(loop, "/bin/sh", {"sh", "-c", "exec sleep 1000"}, std::move(*file), long_enough,
              [&](const Result<std::string>&) { called = true; });
    loop.poll();
  }
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace sup::daemon
