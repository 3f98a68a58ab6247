#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include "engine/test_surroundings.h"
#include "ops/arguments.h"
#include "ops/process_info.h"
#include "ops/register.h"

namespace sup::ops {
namespace {

using api::Array;
using api::Value;
using engine::World;
using testing::ElementsAre;

struct FakeSupervisor final : Supervisor {
  config::Config configuration;
  std::string identifier = "supervisor";
  std::vector<std::string> requests;
  std::string upgrade_to;
  Result<config::Changes> changes = config::Changes{{"a"}, {"b"}, {"c", "d"}};

  [[nodiscard]] int pid() const override { return 42; }
  [[nodiscard]] const std::string& identification() const override { return identifier; }
  [[nodiscard]] std::string main_log_path() const override { return {}; }
  [[nodiscard]] Result<> clear_main_log() override { return {}; }
  void request_shutdown() override { requests.emplace_back("shutdown"); }
  void upgrade(bool keeper_too, std::move_only_function<void(Result<std::string>)> done) override {
    if (upgrade_to.empty()) return done(fail("no such file"));
    done(upgrade_to + (keeper_too ? " with keeper" : ""));
  }
  void request_restart() override { requests.emplace_back("restart"); }
  [[nodiscard]] Result<config::Changes> reread() override { return changes; }
  [[nodiscard]] const config::Config& config() const override { return configuration; }
  [[nodiscard]] std::uint32_t generation() const override { return 1; }
  [[nodiscard]] Added add_group(const std::string& name) override { return name == "new" ? Added::added : Added::already; }
  [[nodiscard]] Removed remove_group(const std::string&) override { return Removed::still_running; }
};

// The whole table over an engine in which nothing is real.
struct Daemon {
  World world;
  FakeSupervisor supervisor;
  Context context{world.engine, supervisor, world.clock};
  api::OperationTable table;
  Daemon() { add_operations(table, "supervisor", context); }

  // The answer, "fault CODE TEXT", or "waiting".
  std::string call(std::string_view method, std::vector<Value> args = {}) {
    auto answer = std::make_shared<std::string>("waiting");
    last = answer;
    table.call("supervisor." + std::string(method), args, [answer](const api::Answer<Value>& reply) {
      *answer = reply ? show(api::settle(*reply)) : "fault " + std::to_string(static_cast<int>(reply.error().code)) + " " + reply.error().text;
    });
    return *answer;
  }
  static std::string show(const Value& value) {
    const Array* items = value.array();
    if (items == nullptr || items->empty() || items->front().find("status") == nullptr) return python_str(value);
    std::string list;
    for (const Value& item : *items) {
      list += python_str(*item.find("group")) + ":" + python_str(*item.find("name")) + "=" + python_str(*item.find("status")) + " ";
    }
    return list;
  }
  std::shared_ptr<std::string> last;
};

TEST(Operations, UpgradeTellsTheVersionOrTheReason) {
  Daemon daemon;
  EXPECT_EQ(daemon.call("upgrade"), "fault 30 FAILED: no such file");
  daemon.supervisor.upgrade_to = "9.9";
  EXPECT_EQ(daemon.call("upgrade"), "9.9");
  EXPECT_EQ(daemon.call("upgrade", {false}), "9.9");
  EXPECT_EQ(daemon.call("upgrade", {true}), "9.9 with keeper");
}

TEST(Operations, TellAboutTheDaemon) {
  Daemon daemon;
  EXPECT_EQ(daemon.call("getAPIVersion"), "3.0");
  EXPECT_EQ(daemon.call("getVersion"), "3.0");
  EXPECT_EQ(daemon.call("getPID"), "42");
  EXPECT_EQ(daemon.call("getState"), "{'statecode': 1, 'statename': 'RUNNING'}");
  EXPECT_EQ(daemon.call("reloadConfig"), "[[['a'], ['b'], ['c', 'd']]]");
}

TEST(Operations, StartWaitsUntilTheProcessRuns) {
  Daemon daemon;
  daemon.world.add({.name = "x", .startsecs = 1});
  EXPECT_EQ(daemon.call("startProcess", {"x"}), "waiting");
  daemon.world.children.answer_spawns();
  EXPECT_EQ(*daemon.last, "waiting");
  daemon.world.advance(std::chrono::milliseconds(1001));
  EXPECT_EQ(*daemon.last, "True");
  EXPECT_EQ(daemon.call("startProcess", {"x"}), "fault 60 ALREADY_STARTED: x");
}

TEST(Operations, StartWithoutWaitingAnswersWhenTheChildExists) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  EXPECT_EQ(daemon.call("startProcess", {"x", false}), "waiting");
  daemon.world.children.answer_spawns();
  EXPECT_EQ(*daemon.last, "True");
}

TEST(Operations, AQuickDeathIsASpawnError) {
  Daemon daemon;
  daemon.world.add({.name = "x", .startsecs = 5});
  (void)daemon.call("startProcess", {"x"});
  daemon.world.children.answer_spawns();
  daemon.world.exit_and_drain("x", 1 << 8);
  EXPECT_EQ(*daemon.last, "fault 50 SPAWN_ERROR: x");
}

// Only what tells the same may be of the same edition.
TEST(Operations, AnEditionOfAllProcessesLastsUntilSomethingChanges) {
  Daemon daemon;
  daemon.world.add({.name = "x", .startsecs = 1});
  std::string edition, told;
  const auto ask = [&] {
    daemon.table.call("supervisor.getAllProcessInfo", {}, [&](const api::Answer<Value>& reply) {
      edition = reply->stream()->edition;
      told = python_str(api::settle(*reply));
    });
  };
  const auto expect_another = [&](const char* what) {
    const std::string before = edition, told_before = told;
    ask();
    EXPECT_NE(told, told_before) << what;
    EXPECT_NE(edition, before) << what;
  };
  expect_another("the first");
  const std::string first = edition;
  ask();
  EXPECT_EQ(edition, first);
  (void)daemon.call("startProcess", {"x", false});
  expect_another("starting");
  daemon.world.children.answer_spawns();
  expect_another("has a pid");
  daemon.world.advance(std::chrono::milliseconds(1001));
  expect_another("running");
  daemon.world.advance(std::chrono::milliseconds(1000));
  expect_another("a second later");
  daemon.world.exit_and_drain("x", 1 << 8);
  expect_another("gone");
  daemon.world.add({.name = "y"});
  expect_another("another group");
}

TEST(Operations, AMissingCommandIsFoundBeforeAnythingElse) {
  Daemon daemon;
  daemon.world.add({.name = "x", .command = "nosuch"});
  EXPECT_EQ(daemon.call("startProcess", {"x"}), "fault 20 NO_FILE: can't find command 'nosuch'");
}

TEST(Operations, StopWaitsUntilTheProcessIsGone) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  EXPECT_EQ(daemon.call("stopProcess", {"x"}), "fault 70 NOT_RUNNING: x");
  daemon.world.run("x");
  EXPECT_EQ(daemon.call("stopProcess", {"x"}), "waiting");
  daemon.world.exit_and_drain("x", SIGTERM);
  EXPECT_EQ(*daemon.last, "True");
}

// As in Supervisor, a start without waiting is not refused: the answer is that of a start that came to nothing later.
TEST(Operations, AStartWhileTheProcessStillStopsComesToNothing) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  daemon.world.run("x");
  (void)daemon.call("stopProcess", {"x", false});
  EXPECT_EQ(daemon.call("startProcess", {"x"}), "fault 40 ABNORMAL_TERMINATION: x");
  EXPECT_EQ(daemon.call("startProcess", {"x", false}), "True");
  EXPECT_EQ(daemon.world.entry("x").machine.state, process::State::stopping);
}

TEST(Operations, NamesThatAreNotThereAreShownAsTheyWereWritten) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  EXPECT_EQ(daemon.call("getProcessInfo", {"nosuch:x"}), "fault 10 BAD_NAME: nosuch:x");
  EXPECT_EQ(daemon.call("getProcessInfo", {"x:*"}), "fault 10 BAD_NAME: x:*");
  EXPECT_EQ(daemon.call("startProcessGroup", {Array{}}), "fault 2 INCORRECT_PARAMETERS");
  EXPECT_EQ(daemon.call("addProcessGroup", {"x"}), "fault 90 ALREADY_ADDED: x");
  EXPECT_EQ(daemon.call("removeProcessGroup", {"x"}), "fault 91 STILL_RUNNING: x");
}

TEST(Operations, ListsShowWhatIsKnownAtOnceBeforeWhatHadToBeWaitedFor) {
  Daemon daemon;
  daemon.world.add({.name = "slow", .priority = 1, .startsecs = 1});
  daemon.world.add({.name = "missing", .priority = 2, .command = "nosuch"});
  daemon.world.add({.name = "quick", .priority = 3, .startsecs = 0});
  EXPECT_EQ(daemon.call("startAllProcesses"), "waiting");
  daemon.world.children.answer_spawns();
  daemon.world.advance(std::chrono::milliseconds(1001));
  EXPECT_EQ(*daemon.last, "missing:missing=20 quick:quick=80 slow:slow=80 ");
}

TEST(Operations, ListsOfStopsComeInTheOrderOfTheDeaths) {
  Daemon daemon;
  daemon.world.add({.name = "a", .priority = 1});
  daemon.world.add({.name = "b", .priority = 2});
  daemon.world.run("a");
  daemon.world.run("b");
  (void)daemon.call("stopAllProcesses");
  daemon.world.exit_and_drain("b", SIGTERM);
  EXPECT_EQ(*daemon.last, "waiting");
  daemon.world.exit_and_drain("a", SIGTERM);
  EXPECT_EQ(*daemon.last, "b:b=80 a:a=80 ");
}

TEST(Operations, ASignalIsCheckedBeforeTheState) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  EXPECT_EQ(daemon.call("signalProcess", {"x", "BOGUS"}), "fault 11 BAD_SIGNAL: BOGUS");
  EXPECT_EQ(daemon.call("signalProcess", {"x", "HUP"}), "fault 70 NOT_RUNNING: x");
  daemon.world.run("x");
  EXPECT_EQ(daemon.call("signalProcess", {"x", "HUP"}), "waiting");
  EXPECT_THAT(daemon.world.children.signals, ElementsAre("x SIGHUP process"));
  daemon.world.engine.on_signalled(daemon.world.entry("x").id, SIGHUP, 0);
  EXPECT_EQ(*daemon.last, "True");
}

TEST(Operations, ASignalThatCannotBeSentIsAFailureThatLeavesAnUnknownState) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  daemon.world.run("x");
  (void)daemon.call("signalProcess", {"x", "HUP"});
  daemon.world.engine.on_signalled(daemon.world.entry("x").id, SIGHUP, EPERM);
  EXPECT_EQ(*daemon.last, "fault 30 FAILED: could not signal x");
  daemon.world.entry("x").machine.state = process::State::running;
  (void)daemon.call("stopProcess", {"x"});
  daemon.world.engine.on_signalled(daemon.world.entry("x").id, SIGTERM, EPERM);
  EXPECT_EQ(*daemon.last, "fault 30 FAILED: could not signal x");
  EXPECT_EQ(daemon.call("startProcess", {"x"}), "fault 30 FAILED: x is in an unknown process state");
  EXPECT_EQ(daemon.call("startProcess", {"x", false}), "fault 30 FAILED: x is in an unknown process state");
}

TEST(Operations, AreRefusedWhileTheDaemonStopsExceptRemoteEvents) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  daemon.world.run("x");
  daemon.world.engine.shut_down(engine::Mood::shutdown, [] {});
  EXPECT_EQ(daemon.call("getState"), "fault 6 SHUTDOWN_STATE");
  EXPECT_EQ(daemon.call("sendRemoteCommEvent", {"t", "d"}), "True");
  EXPECT_EQ(daemon.world.sink.heard.back(), "REMOTE_COMMUNICATION type:t\nd");
}

TEST(Operations, PassOnTextsOfEventsWholeAndShowOtherValues) {
  Daemon daemon;
  const std::string type(2000, 't');
  const std::string data(300'000, 'd');
  EXPECT_EQ(daemon.call("sendRemoteCommEvent", {type, data}), "True");
  EXPECT_EQ(daemon.call("sendRemoteCommEvent", {Value(std::int64_t{7}), Value(true)}), "True");
  EXPECT_THAT(daemon.world.sink.heard, ElementsAre("REMOTE_COMMUNICATION type:" + type + "\n" + data,
                                                   "REMOTE_COMMUNICATION type:7\nTrue"));
}

TEST(Operations, CountTheCharactersOfAnEvent) {
  Daemon daemon;
  EXPECT_EQ(daemon.call("sendRemoteCommEvent", {"t", "\u00e9\u00e9"}), "True");
  EXPECT_EQ(daemon.world.sink.characters, 9U);
}

TEST(Operations, HaveTheNamesOfSupervisorsApi) {
  Daemon daemon;
  EXPECT_EQ(daemon.table.names().size(), 41U);
}

TEST(ProcessInfo, UptimeLooksLikePythonsTimedelta) {
  EXPECT_EQ(format_uptime(0), "0:00:00");
  EXPECT_EQ(format_uptime(705), "0:11:45");
  EXPECT_EQ(format_uptime(86400 + 7384), "1 day, 2:03:04");
  EXPECT_EQ(format_uptime(3 * 86400), "3 days, 0:00:00");
  EXPECT_EQ(format_uptime(-5), "0:00:00");
}

TEST(ProcessInfo, TimesBeyond31BitsAreTheLargestThatFit) {
  Daemon daemon;
  daemon.world.add({.name = "x"});
  daemon.world.clock.time.wall = WallTime(std::chrono::seconds(4'000'000'000));
  daemon.world.run("x");
  const std::string info = daemon.call("getProcessInfo", {"x"});
  EXPECT_THAT(info, testing::HasSubstr("'start': 2147483647, 'stop': 0, 'now': 2147483647,"));
}

TEST(ProcessInfo, AClockThatWasSetBackGivesNoNegativeUptime) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  world.clock.time.wall -= std::chrono::hours(5);
  EXPECT_EQ(description(world.entry("x"), world.clock.time.wall), "pid 1000, uptime 0:00:00");
}

TEST(ProcessInfo, AFailureWithoutAReasonPointsToTheLog) {
  World world;
  world.add({.name = "x"});
  for (const process::State state : {process::State::backoff, process::State::fatal}) {
    world.entry("x").machine.state = state;
    EXPECT_EQ(description(world.entry("x"), world.clock.time.wall), "unknown error (try \"tail x\")");
  }
}

TEST(ProcessInfo, NothingIsSaidOfStatesThatPass) {
  World world;
  world.add({.name = "x"});
  for (const process::State state : {process::State::starting, process::State::stopping, process::State::unknown}) {
    world.entry("x").machine.state = state;
    EXPECT_EQ(description(world.entry("x"), world.clock.time.wall), "");
  }
}

TEST(ProcessInfo, TheDescriptionSaysWhatTheStateLeavesOpen) {
  World world;
  world.add({.name = "x", .startretries = 0});
  EXPECT_EQ(description(world.entry("x"), world.clock.time.wall), "Not started");
  world.start("x");
  EXPECT_EQ(description(world.entry("x"), world.clock.time.wall), "");
  world.advance(std::chrono::seconds(65));
  EXPECT_EQ(description(world.entry("x"), world.clock.time.wall), "pid 1000, uptime 0:01:05");
}

}  // namespace
}  // namespace sup::ops
