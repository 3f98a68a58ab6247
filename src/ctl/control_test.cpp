#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <ostream>

#include "ctl/testing.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using testing::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::result;
using ::testing::StartsWith;

struct FaultCase {
  std::string line, method;
  FaultCode code;
  std::string output;
  int status;

  [[nodiscard]] std::string name() const {
    std::string text = line + " " + std::string(api::fault_name(code));
    std::ranges::replace_if(text, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return text;
  }
  friend void PrintTo(const FaultCase& c, std::ostream* out) { *out << c.line << ", " << api::fault_name(c.code); }
};

class OneProcess : public ::testing::TestWithParam<FaultCase> {};

TEST_P(OneProcess, FaultsHaveTheirWordsAndExitStatus) {
  Bench bench;
  bench.remote.fault(GetParam().method, GetParam().code, "x");
  EXPECT_EQ(bench.run(GetParam().line), GetParam().output + "\n");
  EXPECT_EQ(bench.status, GetParam().status);
}

constexpr std::string_view place = ": file: supervisorctl line: 1";

INSTANTIATE_TEST_SUITE_P(
    Table, OneProcess,
    ::testing::Values(
        FaultCase{"start x", "startProcess", FaultCode::bad_name, "x: ERROR (no such process)", 1},
        FaultCase{"start x", "startProcess", FaultCode::no_file, "x: ERROR (no such file)", 1},
        FaultCase{"start x", "startProcess", FaultCode::not_executable, "x: ERROR (file is not executable)", 1},
        FaultCase{"start x", "startProcess", FaultCode::already_started, "x: ERROR (already started)", 0},
        FaultCase{"start x", "startProcess", FaultCode::spawn_error, "x: ERROR (spawn error)", 7},
        FaultCase{"start x", "startProcess", FaultCode::abnormal_termination, "x: ERROR (abnormal termination)", 7},
        FaultCase{"start x", "startProcess", FaultCode::shutdown_state,
                  "error: <class 'ValueError'>, Unknown result code 6 for x" + std::string(place), 1},
        FaultCase{"start g:*", "startProcessGroup", FaultCode::bad_name, "g: ERROR (no such group)", 2},
        FaultCase{"start g:*", "startProcessGroup", FaultCode::shutdown_state,
                  "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE: x'>" + std::string(place), 1},
        FaultCase{"stop x:y", "stopProcess", FaultCode::bad_name, "x:y: ERROR (no such process)", 1},
        FaultCase{"stop x:x", "stopProcess", FaultCode::not_running, "x: ERROR (not running)", 0},
        FaultCase{"stop x", "stopProcess", FaultCode::failed, "FAILED: x", 1},
        FaultCase{"stop g:", "stopProcessGroup", FaultCode::bad_name, "g: ERROR (no such group)", 1},
        FaultCase{"signal HUP x", "signalProcess", FaultCode::bad_signal, "x: ERROR (bad signal name)", 1},
        FaultCase{"signal HUP x", "signalProcess", FaultCode::not_running, "x: ERROR (not running)", 7},
        FaultCase{"signal HUP x", "signalProcess", FaultCode::bad_name, "x: ERROR (no such process)", 1},
        FaultCase{"signal HUP g:*", "signalProcessGroup", FaultCode::bad_name, "g: ERROR (no such group)", 1},
        FaultCase{"signal B all", "signalAllProcesses", FaultCode::bad_signal,
                  "error: <class 'xmlrpc.client.Fault'>, <Fault 11: 'BAD_SIGNAL: x'>" + std::string(place), 1},
        FaultCase{"clear x", "clearProcessLogs", FaultCode::bad_name, "x: ERROR (no such process)", 1},
        FaultCase{"clear x", "clearProcessLogs", FaultCode::failed, "x: ERROR (failed)", 1},
        FaultCase{"clear g:*", "clearProcessLogs", FaultCode::bad_name, "g:None: ERROR (no such process)", 1}),
    [](const auto& test) { return test.param.name(); });

TEST(Control, CallsTheMethodThatFitsTheName) {
  Bench bench;
  bench.remote.answer("stopProcessGroup", api::Array{});
  bench.remote.answer("startProcessGroup", api::Array{});
  bench.remote.answer("signalProcessGroup", api::Array{});
  EXPECT_EQ(bench.run("start x g:y g:*"), "x: started\ng:y: started\n");
  EXPECT_EQ(bench.run("stop x g:"), "x: stopped\n");
  EXPECT_EQ(bench.run("signal HUP x g:*"), "x: signalled\n");
  EXPECT_EQ(bench.run("clear x y"), "x: cleared\ny: cleared\n");
  EXPECT_EQ(bench.status, 0);
  EXPECT_THAT(bench.remote.log, ElementsAre("startProcess x", "startProcess g:y", "startProcessGroup g",
                                            "stopProcess x", "stopProcessGroup g", "signalProcess x HUP",
                                            "signalProcessGroup g HUP", "clearProcessLogs x", "clearProcessLogs y"));
}

TEST(Control, AllAmongTheNamesMeansAll) {
  Bench bench;
  const api::Array two{result("a", "a", FaultCode::success), result("g", "b", FaultCode::failed, "FAILED: why")};
  bench.remote.answer("stopAllProcesses", two);
  EXPECT_EQ(bench.run("stop x all"), "a: stopped\nFAILED: why\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answer("signalAllProcesses", api::Array{result("a", "a", FaultCode::success)});
  EXPECT_EQ(bench.run("signal 9 all"), "a: signalled\n");
  bench.remote.answer("clearAllProcessLogs", two);
  EXPECT_EQ(bench.run("clear all"), "a: cleared\ng:b: ERROR (failed)\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("stopAllProcesses", "signalAllProcesses 9", "clearAllProcessLogs"));
}

TEST(Control, ResultsOfAGroupSetTheStatusOneAfterTheOther) {
  Bench bench;
  bench.remote.answer("startProcessGroup",
                      api::Array{result("g", "a", FaultCode::spawn_error), result("g", "b", FaultCode::no_file),
                                 result("g", "c", FaultCode::already_started)});
  EXPECT_EQ(bench.run("start g:*"),
            "g:a: ERROR (spawn error)\ng:b: ERROR (no such file)\ng:c: ERROR (already started)\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Control, MissingNamesShowTheHelp) {
  Bench bench;
  EXPECT_THAT(bench.run("start"),
              StartsWith("Error: start requires a process name\nstart <name>\t\tStart a process\n"));
  EXPECT_EQ(bench.status, 2);
  EXPECT_THAT(bench.run("stop"), StartsWith("Error: stop requires a process name\nstop <name>"));
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.run("restart"), StartsWith("Error: restart requires a process name\nrestart <name>"));
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.run("signal HUP"),
              StartsWith("Error: signal requires a signal name and a process name\nsignal <signal name>"));
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.run("clear"), StartsWith("Error: clear requires a process name\nclear <name>"));
  EXPECT_EQ(bench.status, 1);
}

TEST(Control, RestartStopsThenStartsAndKeepsTheLastTrouble) {
  Bench bench;
  bench.remote.fault("stopProcess", FaultCode::bad_name, "x");
  EXPECT_EQ(bench.run("restart x"), "x: ERROR (no such process)\nx: started\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.remote.log, ElementsAre("stopProcess x", "startProcess x"));
}

TEST(Control, WhatIsNoFaultEndsTheCommand) {
  Bench bench;
  bench.remote.answer("startProcess", system_failure(ECONNRESET));
  EXPECT_EQ(bench.run("start x y"),
            "error: <class 'ConnectionResetError'>, [Errno 104] Connection reset by peer" + std::string(place) + "\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.remote.log, ElementsAre("startProcess x"));
}

TEST(Control, WhatIsSaidIsSeenBeforeTheNextCall) {
  Bench bench;
  Session session(bench.remote, bench.terminal, {"unix:///s", {}, {}}, false);
  session.say("early");
  EXPECT_EQ(bench.terminal.out, "");
  EXPECT_TRUE(session.call("getPID"));
  EXPECT_EQ(bench.terminal.out, "early\n");
}

}  // namespace
}  // namespace sup::ctl
