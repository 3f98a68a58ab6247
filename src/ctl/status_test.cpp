#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "ctl/testing.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using testing::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::process;

Bench with_processes() {
  Bench bench;
  bench.remote.answer("getAllProcessInfo", api::Array{process("cat", "cat", 20, "RUNNING", "pid 7, uptime 0:00:01", 7),
                                                      process("grp", "a", 0, "STOPPED", "Not started"),
                                                      process("grp", "b", 10, "STARTING", "")});
  return bench;
}

TEST(Status, ShowsAllInTheOrderOfTheServer) {
  Bench bench = with_processes();
  EXPECT_EQ(bench.run("status"),
            "cat                              RUNNING   pid 7, uptime 0:00:01\n"
            "grp:a                            STOPPED   Not started\n"
            "grp:b                            STARTING  \n");
  EXPECT_EQ(bench.status, 3);
}

TEST(Status, ShowsNamesInTheOrderGivenAndBadOnesFirst) {
  Bench bench = with_processes();
  EXPECT_EQ(bench.run("status grp:b nosuch cat none:* none:x"),
            "nosuch: ERROR (no such process)\n"
            "none: ERROR (no such group)\n"
            "none:x: ERROR (no such process)\n"
            "grp:b                            STARTING  \n"
            "cat                              RUNNING   pid 7, uptime 0:00:01\n");
  EXPECT_EQ(bench.status, 4);
}

TEST(Status, NotRunningWinsOverUnknownAndStartingIsFine) {
  Bench bench = with_processes();
  bench.run("status grp:* nosuch");
  EXPECT_EQ(bench.status, 3);
  bench.run("status cat grp:b");
  EXPECT_EQ(bench.status, 0);
}

TEST(Status, TheNameColumnGrowsWithTheLongestNameInCharacters) {
  Bench bench;
  std::string name;
  for (int i = 0; i < 31; ++i)
    name += "\xc3\xa9";
  bench.remote.answer("getAllProcessInfo", api::Array{process(name, name, 20, "RUNNING", "x")});
  EXPECT_EQ(bench.run("status"), name + "   RUNNING   x\n");
}

TEST(Status, ADeadDaemonIsStatusFour) {
  Bench bench;
  bench.remote.answers["getVersion"] = {system_failure(ECONNREFUSED)};
  EXPECT_EQ(bench.run("status"), "unix:///s refused connection\n");
  EXPECT_EQ(bench.status, 4);
  bench.remote.answers["getVersion"] = {system_failure(ENOENT)};
  EXPECT_EQ(bench.run("status"), "unix:///s no such file\n");
  EXPECT_EQ(bench.status, 4);
}

TEST(DaemonCheck, SaysWhatIsWrongWithAnExitStatusForEach) {
  Bench bench;
  auto& version = bench.remote.answers["getVersion"];
  version = {system_failure(ECONNREFUSED)};
  EXPECT_EQ(bench.run("start x"), "unix:///s refused connection\n");
  EXPECT_EQ(bench.status, 4);
  version = {system_failure(ENOENT)};
  EXPECT_EQ(bench.run("start x"), "unix:///s no such file\n");
  EXPECT_EQ(bench.status, 7);
  version = {api::Value("2.0")};
  EXPECT_THAT(bench.run("start x"), HasSubstr("API version 3.0, but the remote version is 2.0.\n"));
  EXPECT_EQ(bench.status, 5);
  version = {refused(api::make_fault(FaultCode::unknown_method))};
  EXPECT_THAT(bench.run("start x"), HasSubstr("did not recognize the supervisor namespace"));
  EXPECT_EQ(bench.status, 3);
  version = {system_failure(EACCES)};
  EXPECT_EQ(bench.run("start x"),
            "error: <class 'PermissionError'>, [Errno 13] Permission denied: file: supervisorctl line: 1\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_TRUE(bench.remote.log.empty());
}

TEST(Pid, OfTheDaemonAndOfAll) {
  Bench bench = with_processes();
  bench.remote.answer("getPID", 42);
  EXPECT_EQ(bench.run("pid"), "42\n");
  EXPECT_EQ(bench.run("pid all"), "7\n0\n0\n");
  EXPECT_EQ(bench.status, 0);
}

TEST(Pid, OfNamesSetsTheStatusOfTheLastTrouble) {
  Bench bench;
  bench.remote.answer("getProcessInfo", process("a", "a", 20, "RUNNING", "", 5));
  bench.remote.fault("getProcessInfo", FaultCode::bad_name, "b");
  bench.remote.answer("getProcessInfo", process("c", "c", 0, "STOPPED", ""));
  EXPECT_EQ(bench.run("pid a b c"), "5\nNo such process b\n0\n");
  EXPECT_EQ(bench.status, 7);
}

TEST(Avail, ShowsOneLineForEachProcess) {
  Bench bench;
  bench.remote.answer("getAllConfigInfo", api::Array{api::Struct{{"name", "cat"},
                                                                 {"group", "cat"},
                                                                 {"inuse", true},
                                                                 {"autostart", false},
                                                                 {"group_prio", 999},
                                                                 {"process_prio", -1}},
                                                     api::Struct{{"name", "b"},
                                                                 {"group", "a"},
                                                                 {"inuse", false},
                                                                 {"autostart", true},
                                                                 {"group_prio", 1},
                                                                 {"process_prio", 2}}});
  EXPECT_EQ(bench.run("avail"),
            "cat                              in use    manual    999:-1\n"
            "a:b                              avail     auto      1:2\n");
  EXPECT_EQ(bench.status, 0);
}

TEST(Avail, RefusesArgumentsAndAShutdown) {
  Bench bench;
  EXPECT_EQ(bench.run("avail x"), "Error: avail accepts no arguments\navail\t\t\tDisplay all configured processes\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.fault("getAllConfigInfo", FaultCode::shutdown_state);
  EXPECT_EQ(bench.run("avail"), "ERROR: supervisor shutting down\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Version, IsTheServersAndRefusesArgumentsWithoutAskingIt) {
  Bench bench;
  bench.remote.answer("getSupervisorVersion", "4.4.0");
  EXPECT_EQ(bench.run("version"), "4.4.0\n");
  bench.remote.log.clear();
  EXPECT_THAT(bench.run("version x"), HasSubstr("Error: version accepts no arguments\n"));
  EXPECT_EQ(bench.status, 1);
  EXPECT_TRUE(bench.remote.log.empty());
}

}  // namespace
}  // namespace sup::ctl
