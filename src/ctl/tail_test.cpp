#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/testing.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using testing::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::process;
using ::testing::StartsWith;
using Kind = Terminal::Input::Kind;

TEST(Tail, ReadsTheLastBytesOfAChannel) {
  Bench bench;
  bench.remote.answer("readProcessStdoutLog", "out\n");
  bench.remote.answer("readProcessStderrLog", "err");
  EXPECT_EQ(bench.run("tail x"), "out\n\n");
  EXPECT_EQ(bench.run("tail -5 x STDERR"), "err\n");
  EXPECT_EQ(bench.run("tail --5 x"), "out\n\n");
  EXPECT_EQ(bench.run("tail a b stdout"), "out\n\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("readProcessStdoutLog x -1600 0", "readProcessStderrLog x -5 0",
                                            "readProcessStdoutLog x 5 0", "readProcessStdoutLog a -1600 0"));
}

TEST(Tail, TakesEverythingForMoreThanAnyLogHas) {
  Bench bench;
  bench.remote.answer("readProcessStdoutLog", "");
  for (const char* line : {"tail -99999999999999999999 x", "tail --9223372036854775808 x"}) bench.run(line);
  EXPECT_THAT(bench.remote.log, ElementsAre("readProcessStdoutLog x -9223372036854775807 0",
                                            "readProcessStdoutLog x 9223372036854775807 0"));
}

TEST(Tail, RefusesWrongArguments) {
  Bench bench;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"tail -f", "Error: tail requires process name\n"},
      {"tail x bogus", "Error: bad channel 'bogus'\n"},
      {"tail -x x", "Error: bad argument -x\n"},
      {"tail - x", "Error: bad argument -\n"},
      {"tail -99999999999999999999x x", "Error: bad argument -99999999999999999999x\n"},
      {"maintail x", "Error: bad argument x\n"},
      {"maintail -x", "Error: bad argument -x\n"},
  };
  for (const auto& [line, output] : cases) {
    EXPECT_EQ(bench.run(line), output);
    EXPECT_EQ(bench.status, 1);
  }
  EXPECT_THAT(bench.run("tail"), StartsWith("Error: too few arguments\ntail [-f] <name>"));
  EXPECT_THAT(bench.run("tail a b c d"), StartsWith("Error: too many arguments\ntail [-f] <name>"));
  EXPECT_THAT(bench.run("maintail a b"), StartsWith("Error: too many arguments\nmaintail -f \t"));
  EXPECT_TRUE(bench.remote.log.empty());
}

TEST(Tail, SaysWhyThereIsNoLog) {
  Bench bench;
  auto& answer = bench.remote.answers["readProcessStdoutLog"];
  answer = {refused(api::make_fault(FaultCode::no_file))};
  EXPECT_EQ(bench.run("tail x"), "x: ERROR (no log file)\n");
  answer = {refused(api::make_fault(FaultCode::failed))};
  EXPECT_EQ(bench.run("tail x"), "x: ERROR (unknown error reading log)\n");
  answer = {refused(api::make_fault(FaultCode::bad_name))};
  EXPECT_EQ(bench.run("tail x"), "x: ERROR (no such process name)\n");
  EXPECT_EQ(bench.status, 1);
  answer = {refused(api::make_fault(FaultCode::bad_arguments))};
  EXPECT_THAT(bench.run("tail x"), StartsWith("error: <class 'xmlrpc.client.Fault'>, <Fault 3: 'BAD_ARGUMENTS'>"));
}

TEST(Maintail, ReadsTheMainLog) {
  Bench bench;
  bench.remote.answer("readLog", "log");
  EXPECT_EQ(bench.run("maintail"), "log\n");
  EXPECT_EQ(bench.run("maintail -10"), "log\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("readLog -1600 0", "readLog -10 0"));
  bench.remote.answers["readLog"] = {refused(api::make_fault(FaultCode::no_file))};
  EXPECT_EQ(bench.run("maintail"), "supervisord: ERROR (no log file)\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Follow, ShowsPiecesAsTheyComeUntilCtrlC) {
  Bench bench;
  bench.remote.pieces = {"a\n", "b"};
  bench.terminal.was_interrupted = true;
  EXPECT_EQ(bench.run("tail -f x stderr"), "==> Press Ctrl-C to exit <==\na\nb\n");
  EXPECT_EQ(bench.run("maintail -f"), "==> Press Ctrl-C to exit <==\na\nb\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("GET /logtail/x/stderr", "GET /mainlogtail"));
  EXPECT_EQ(bench.status, 0);
  EXPECT_EQ(bench.terminal.catching, 0);
}

TEST(Follow, AddsNothingWhenTheServerEndsIt) {
  Bench bench;
  bench.remote.pieces = {"a"};
  EXPECT_EQ(bench.run("tail -f x"), "==> Press Ctrl-C to exit <==\na");
}

TEST(Follow, ComplainsOnStandardErrorButEndsWell) {
  Bench bench;
  bench.remote.stream_end = bad_status(404, "Not Found");
  EXPECT_EQ(bench.run("tail -f x"), "==> Press Ctrl-C to exit <==\n");
  EXPECT_EQ(bench.terminal.err, "unix:///s/logtail/x/stdout Cannot read, status code 404\n");
  EXPECT_EQ(bench.status, 0);
}

Bench with_running_process() {
  Bench bench;
  bench.remote.answer("getProcessInfo", process("x", "x", 20, "RUNNING", ""));
  return bench;
}

TEST(Foreground, SendsLinesUntilInputEnds) {
  Bench bench = with_running_process();
  bench.terminal.events = {{Kind::line, "hello"}, {Kind::nothing, ""}, {Kind::line, ""}};
  EXPECT_EQ(bench.run("fg x"), "==> Press Ctrl-C to exit <==\nExiting foreground\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("getProcessInfo x", "GET /logtail/x/stdout", "GET /logtail/x/stderr",
                                            "sendProcessStdin x hello\n", "getProcessInfo x", "sendProcessStdin x \n"));
  EXPECT_EQ(bench.status, 0);
  EXPECT_EQ(bench.remote.following, 0);
  EXPECT_EQ(bench.terminal.catching, 0);
}

TEST(Foreground, EndsAtCtrlC) {
  Bench bench = with_running_process();
  bench.terminal.events = {{Kind::interrupt, ""}};
  EXPECT_EQ(bench.run("fg x"), "==> Press Ctrl-C to exit <==\nExiting foreground\n");
}

TEST(Foreground, NoticesThatTheProcessIsGone) {
  const std::string gone = "==> Press Ctrl-C to exit <==\nProcess got killed\nExiting foreground\n";
  Bench idle = with_running_process();
  idle.remote.answer("getProcessInfo", process("x", "x", 100, "EXITED", ""));
  idle.terminal.events = {{Kind::nothing, ""}, {Kind::nothing, ""}};
  EXPECT_EQ(idle.run("fg x"), gone);
  Bench typing = with_running_process();
  typing.remote.fault("sendProcessStdin", FaultCode::not_running, "x");
  typing.terminal.events = {{Kind::line, "hello"}};
  EXPECT_EQ(typing.run("fg x"), gone);
}

TEST(Foreground, ShowsOtherFaultsOfSending) {
  Bench bench = with_running_process();
  bench.remote.fault("sendProcessStdin", FaultCode::no_file, "x");
  bench.terminal.events = {{Kind::line, "hello"}};
  EXPECT_EQ(bench.run("fg x"), "==> Press Ctrl-C to exit <==\nERROR: <Fault 20: 'NO_FILE: x'>\nExiting foreground\n");
}

TEST(Foreground, RefusesWhatIsNotOneRunningProcess) {
  Bench bench;
  EXPECT_THAT(bench.run("fg"), StartsWith("ERROR: no process name supplied\nfg <process>\t"));
  EXPECT_EQ(bench.status, 1);
  EXPECT_EQ(bench.run("fg a b"), "ERROR: too many process names supplied\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answer("getProcessInfo", process("x", "x", 30, "BACKOFF", ""));
  EXPECT_EQ(bench.run("fg x"), "ERROR: process not running\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answers["getProcessInfo"] = {refused(api::make_fault(FaultCode::bad_name, "x"))};
  EXPECT_EQ(bench.run("fg x"), "ERROR: bad process name supplied\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answers["getProcessInfo"] = {refused(api::make_fault(FaultCode::failed))};
  EXPECT_EQ(bench.run("fg x"), "ERROR: <Fault 30: 'FAILED'>\n");
  EXPECT_EQ(bench.status, 0);
}

}  // namespace
}  // namespace sup::ctl
