#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <map>

#include "engine/test_surroundings.h"

namespace sup::engine {
namespace {

using process::State;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int exited(int code) { return code << 8; }

TEST(Engine, StartsProgramsByThemselvesInOrderOfPriority) {
  World world;
  world.add({.name = "late", .priority = 20});
  world.add({.name = "early", .priority = 10});
  world.add({.name = "manual", .priority = 1, .autostart = false});
  world.engine.start_automatic();
  EXPECT_THAT(world.children.spawned_names(), ElementsAre("early", "late"));
  EXPECT_EQ(world.state("manual"), State::stopped);
}

TEST(Engine, IsRunningOnlyAfterMoreThanStartsecs) {
  World world;
  world.add({.name = "x", .startsecs = 1});
  world.start("x");
  world.advance(seconds(1));
  EXPECT_EQ(world.state("x"), State::starting);
  world.advance(milliseconds(1));
  EXPECT_EQ(world.state("x"), State::running);
  EXPECT_THAT(world.log.lines, Contains("INFO success: x entered RUNNING state, process has stayed up for > than 1 "
                                        "seconds (startsecs)"));
}

TEST(Engine, WithoutStartsecsItRunsAsSoonAsItExists) {
  World world;
  world.add({.name = "x", .startsecs = 0});
  std::optional<Answer> answer;
  world.engine.start(world.entry("x"), true, [&](Answer a) { answer = a; });
  EXPECT_FALSE(answer);
  world.children.answer_spawns();
  world.advance(milliseconds(1));
  EXPECT_EQ(world.state("x"), State::running);
  EXPECT_EQ(answer, Answer::done);
}

TEST(Engine, ADeathIsReportedOnlyWhenItsOutputIsDrained) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  world.exit("x", exited(3));
  EXPECT_EQ(world.state("x"), State::running);
  world.output.answer_drains();
  EXPECT_THAT(world.log.lines, Contains("WARN exited: x (exit status 3; not expected)"));
  EXPECT_THAT(world.children.spawned_names(), ElementsAre("x", "x"));  // restarted at once
}

TEST(Engine, TheLogsOfADeadProcessAreClosedThoughItsOutputEndedBefore) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  const Entry& entry = world.entry("x");
  world.engine.on_exited(entry.id, entry.machine.pid, {.status = exited(0)});
  EXPECT_EQ(world.state("x"), State::exited);
  EXPECT_THAT(world.output.forgotten, ElementsAre(entry.id));
}

TEST(Engine, AnEndThatIsToldLateCountsFromWhenItWas) {
  World world;
  world.add({.name = "x", .startsecs = 5});
  world.start("x");
  const auto end = static_cast<std::uint64_t>((world.clock.time.mono + seconds(1)).time_since_epoch().count());
  world.clock.time.mono += seconds(60);
  world.clock.time.wall += seconds(60);
  world.engine.on_exited(world.entry("x").id, 1000, {.status = exited(3), .at = end});
  EXPECT_THAT(world.log.lines, Contains("WARN exited: x (exit status 3; not expected)"));
  EXPECT_EQ(world.entry("x").machine.failures, 1);
  EXPECT_EQ(world.entry("x").stop, world.clock.time.wall - seconds(59));
  // The next try was due long ago.
  EXPECT_EQ(world.state("x"), State::starting);
}

TEST(Engine, AnExpectedExitStaysExited) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  world.exit_and_drain("x", exited(0));
  EXPECT_EQ(world.state("x"), State::exited);
  EXPECT_EQ(world.entry("x").exit_status, 0);
  EXPECT_THAT(world.log.lines, Contains("INFO exited: x (exit status 0; expected)"));
}

TEST(Engine, GivesUpAfterTheRetriesWithGrowingPauses) {
  World world;
  world.add({.name = "x", .startretries = 2});
  world.start("x");
  std::vector<int> pauses;
  while (world.state("x") == State::starting) {
    world.exit_and_drain("x", exited(1));
    int waited = 0;
    while (world.state("x") == State::backoff && waited < 10'000) {
      world.advance(milliseconds(100));
      waited += 100;
    }
    world.children.answer_spawns();
    if (world.state("x") == State::starting) pauses.push_back(waited);
  }
  EXPECT_EQ(world.state("x"), State::fatal);
  EXPECT_THAT(pauses, ElementsAre(1000, 2000));
  EXPECT_THAT(world.log.lines, Contains("INFO gave up: x entered FATAL state, too many start retries too quickly"));
  EXPECT_EQ(world.entry("x").spawn_error, "Exited too quickly (process log may have details)");
}

TEST(Engine, ACommandThatDoesNotExistIsASpawnErrorAndNothingElse) {
  World world;
  world.add({.name = "x", .command = "nosuch", .startretries = 0});
  std::optional<Answer> answer;
  world.engine.start(world.entry("x"), true, [&](Answer a) { answer = a; });
  EXPECT_EQ(answer, Answer::spawn_error);
  EXPECT_THAT(world.children.spawned_names(), ElementsAre());
  EXPECT_THAT(world.log.lines, Contains("INFO spawnerr: can't find command 'nosuch'"));
  world.advance(milliseconds(1));
  EXPECT_EQ(world.state("x"), State::fatal);
}

TEST(Engine, WhatTheSystemRefusesIsASpawnErrorInSupervisorsWords) {
  struct Case {
    keeper::SpawnFailure failure;
    const char* words;
  };
  for (const Case& each : {Case{{keeper::SpawnStage::fork, EAGAIN}, "Too many processes in process table to spawn 'x'"},
                           Case{{keeper::SpawnStage::fork, ENOMEM}, "unknown error during fork for 'x': ENOMEM"},
                           Case{{keeper::SpawnStage::pipe, EMFILE}, "too many open files to spawn 'x'"},
                           Case{{keeper::SpawnStage::pipe, ENFILE}, "unknown error making dispatchers for 'x': ENFILE"}}) {
    World world;
    world.add({.name = "x"});
    world.engine.start(world.entry("x"), false, [](Answer) {});
    world.children.fail_spawns(each.failure);
    EXPECT_EQ(world.state("x"), State::backoff);
    EXPECT_EQ(world.entry("x").spawn_error, each.words);
    EXPECT_THAT(world.log.lines, Contains(std::string("INFO spawnerr: ") + each.words));
  }
}

TEST(Engine, AChildWhosePipesGotLostIsKilledAndAFailedStart) {
  World world;
  world.add({.name = "x"});
  world.engine.start(world.entry("x"), false, [](Answer) {});
  world.children.pending.clear();
  const ProcessId id = world.entry("x").id;
  keeper::Spawned spawned;
  spawned.pid = 77;
  spawned.lost = true;
  world.engine.on_spawned(id, std::move(spawned));
  EXPECT_THAT(world.children.signals, ElementsAre("x SIGKILL group"));
  EXPECT_EQ(world.state("x"), State::backoff);
  EXPECT_EQ(world.entry("x").spawn_error, "too many open files to spawn 'x'");
  world.engine.on_exited(id, 77, {.status = SIGKILL});
  EXPECT_THAT(world.children.acknowledged, ElementsAre(id));
  EXPECT_EQ(world.state("x"), State::backoff);
  EXPECT_THAT(world.log.lines, Not(Contains(HasSubstr("exited"))));
  world.advance(seconds(1));
  world.children.answer_spawns();
  EXPECT_EQ(world.state("x"), State::starting);
  EXPECT_EQ(world.entry("x").machine.pid, 1000);
}

TEST(Engine, ALogThatCannotBeOpenedIsASpawnError) {
  World world;
  world.files.open_error = EACCES;
  world.add({.name = "x", .logfile = "/nowhere/x.log"});
  world.start("x");
  EXPECT_EQ(world.state("x"), State::backoff);
  EXPECT_EQ(world.entry("x").spawn_error, "unknown error making dispatchers for 'x': EACCES");
}

TEST(Engine, StopsWithTheStopSignalAndKillsWhenThatTakesTooLong) {
  World world;
  world.add({.name = "x", .stopwaitsecs = 2, .stopasgroup = true});
  world.run("x");
  std::optional<Answer> answer;
  world.engine.stop(world.entry("x"), true, [&](Answer a) { answer = a; });
  EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM group"));
  EXPECT_THAT(world.log.lines, Contains("INFO waiting for x to stop"));
  world.advance(milliseconds(2001));
  EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM group", "x SIGKILL group"));
  EXPECT_THAT(world.log.lines, Contains(HasSubstr("WARN killing 'x' (")));
  EXPECT_FALSE(answer);
  world.exit_and_drain("x", SIGKILL);
  EXPECT_EQ(answer, Answer::done);
  EXPECT_EQ(world.state("x"), State::stopped);
  EXPECT_EQ(world.entry("x").exit_status, -1);
  EXPECT_THAT(world.log.lines, Contains("WARN stopped: x (terminated by SIGKILL)"));
}

TEST(Engine, AStopThatComesBeforeTheChildExistsIsSentWhenItDoes) {
  World world;
  world.add({.name = "x"});
  world.engine.start(world.entry("x"), false, [](Answer) {});
  world.engine.stop(world.entry("x"), false, [](Answer) {});
  EXPECT_THAT(world.children.signals, ElementsAre());
  world.children.answer_spawns();
  EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM process"));
}

TEST(Engine, SaysEveryTwoSecondsForWhomACallerWaits) {
  World world;
  world.add({.name = "x", .stopwaitsecs = 60});
  world.run("x");
  world.engine.stop(world.entry("x"), true, [](Answer) {});
  world.advance(milliseconds(2500));
  world.advance(milliseconds(2500));
  EXPECT_EQ(std::count(world.log.lines.begin(), world.log.lines.end(), "INFO waiting for x to stop"), 3);
}

TEST(Engine, ASignalThatCannotBeSentMakesTheStateUnknown) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  std::optional<Answer> answer;
  world.engine.stop(world.entry("x"), true, [&](Answer a) { answer = a; });
  world.engine.on_signalled(world.entry("x").id, SIGTERM, EPERM);
  EXPECT_EQ(world.state("x"), State::unknown);
  EXPECT_EQ(answer, Answer::failed);
  EXPECT_EQ(world.sink.heard.back(), "PROCESS_STATE_UNKNOWN processname:x groupname:x from_state:STOPPING");
}

TEST(Engine, GroupsStopOneAfterAnotherHighestPriorityNumberFirst) {
  World world;
  world.add({.name = "db", .priority = 1});
  world.add({.name = "web", .priority = 2});
  world.run("db");
  world.run("web");
  bool finished = false;
  world.engine.shut_down(Mood::shutdown, [&] { finished = true; });
  EXPECT_THAT(world.children.signals, ElementsAre("web SIGTERM process"));
  EXPECT_THAT(world.log.lines, Contains("INFO waiting for db, web to die"));
  world.exit_and_drain("web", SIGTERM);
  EXPECT_THAT(world.children.signals, ElementsAre("web SIGTERM process", "db SIGTERM process"));
  EXPECT_FALSE(finished);
  world.exit_and_drain("db", SIGTERM);
  EXPECT_TRUE(finished);
  EXPECT_FALSE(world.engine.next_deadline());
}

TEST(Engine, ASignalToWhoHasJustEndedIsNoFailure) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  world.engine.stop(world.entry("x"), false, [](Answer) {});
  const pid_t pid = world.entry("x").machine.pid;
  world.engine.on_signalled(world.entry("x").id, SIGTERM, ESRCH);
  EXPECT_EQ(world.state("x"), State::stopping);
  EXPECT_THAT(world.log.lines, Contains("DEBG unable to signal x (pid " + std::to_string(pid) +
                                        "), it probably just exited on its own: [Errno 3] No such process"));
}

TEST(Engine, AWallClockThatIsSetChangesNoDeadline) {
  for (const auto jump : {-std::chrono::hours(24), std::chrono::hours(24)}) {
    World world;
    world.add({.name = "x", .stopwaitsecs = 10});
    world.start("x");
    world.clock.time.wall += jump;
    world.advance(milliseconds(999));
    EXPECT_EQ(world.state("x"), State::starting);
    world.advance(milliseconds(2));
    EXPECT_EQ(world.state("x"), State::running);
    world.engine.stop(world.entry("x"), false, [](Answer) {});
    world.clock.time.wall += jump;
    world.advance(seconds(9));
    EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM process"));
    world.advance(seconds(1));
    EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM process", "x SIGKILL process"));
    world.exit_and_drain("x", SIGKILL);
    EXPECT_EQ(world.state("x"), State::stopped);
    EXPECT_THAT(world.log.lines, Not(Contains(HasSubstr("laststart"))));
  }
}

TEST(Engine, OnlyWhoIsLeftIsWaitedFor) {
  World world;
  world.add({.name = "db", .priority = 1});
  world.add({.name = "trying", .priority = 2, .command = "nosuch"});
  world.run("db");
  world.start("trying");
  ASSERT_EQ(world.state("trying"), State::backoff);
  world.engine.shut_down(Mood::shutdown, [] {});
  EXPECT_EQ(world.state("trying"), State::fatal);
  EXPECT_THAT(world.log.lines, Contains("INFO waiting for db to die"));
  EXPECT_THAT(world.log.lines, Contains("BLAT db state: STOPPING"));
}

TEST(Engine, NothingComesBackDuringAShutdown) {
  World world;
  world.add({.name = "x", .priority = 1, .restart = config::Restart::always});
  world.add({.name = "slow", .priority = 2});
  world.add({.name = "trying", .priority = 1, .command = "nosuch"});
  world.run("x");
  world.run("slow");
  world.start("trying");
  world.engine.shut_down(Mood::shutdown, [] {});
  world.exit_and_drain("x", exited(0));
  world.advance(seconds(30));
  EXPECT_THAT(world.children.spawned_names(), ElementsAre("x", "slow"));
  EXPECT_EQ(world.state("x"), State::exited);
  EXPECT_EQ(world.state("trying"), State::fatal);
}

TEST(Engine, AnEmptyDaemonShutsDownAtOnce) {
  World world;
  bool finished = false;
  world.engine.shut_down(Mood::shutdown, [&] { finished = true; });
  EXPECT_TRUE(finished);
}

TEST(Engine, AGroupIsRemovedOnlyWhenAllOfItIsStopped) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  EXPECT_FALSE(world.engine.remove_group("x"));
  world.engine.stop(world.entry("x"), false, [](Answer) {});
  world.exit_and_drain("x", SIGTERM);
  EXPECT_TRUE(world.engine.remove_group("x"));
  EXPECT_EQ(world.engine.table().group("x"), nullptr);
}

TEST(Engine, WhoIsToldOfAStopMayRemoveTheGroupAtOnce) {
  World world;
  world.add({.name = "x"});
  world.run("x");
  bool removed = false;
  world.engine.stop(world.entry("x"), true, [&](Answer) { removed = world.engine.remove_group("x"); });
  world.exit_and_drain("x", SIGTERM);
  EXPECT_TRUE(removed);
  EXPECT_EQ(world.engine.table().group("x"), nullptr);
}

TEST(Engine, WhoIsToldOfAStopMayStartAgainAndWaitsForThatStart) {
  World world;
  world.add({.name = "x", .startsecs = 1});
  world.run("x");
  std::optional<Answer> started;
  world.engine.stop(world.entry("x"), true, [&](Answer) {
    world.engine.start(world.entry("x"), true, [&](Answer answer) { started = answer; });
  });
  world.exit_and_drain("x", SIGTERM);
  EXPECT_FALSE(started);
  world.children.answer_spawns();
  world.advance(seconds(2));
  EXPECT_EQ(started, Answer::done);
}

TEST(Engine, ChildrenSeeTheirNameAndTheServerInTheirEnvironment) {
  World world;
  world.add({.name = "x", .environment = {{"A", "1"}, {"SUPERVISOR_ENABLED", "no"}}});
  world.start("x");
  const auto& environment = world.children.plans.at(0).environment;
  using Variable = std::pair<std::string, std::string>;
  EXPECT_THAT(environment, ElementsAre(Variable("SUPERVISOR_ENABLED", "1"), Variable("SUPERVISOR_SERVER_URL", "unix:///s"),
                                       Variable("SUPERVISOR_PROCESS_NAME", "x"), Variable("SUPERVISOR_GROUP_NAME", "x"),
                                       Variable("A", "1"), Variable("SUPERVISOR_ENABLED", "no")));
}

TEST(Engine, AnIdleEngineHasNoDeadline) {
  World world;
  for (int i = 0; i < 100; ++i) world.add({.name = "p" + std::to_string(i)});
  world.engine.start_automatic();
  world.children.answer_spawns();
  world.advance(seconds(2));
  EXPECT_FALSE(world.engine.next_deadline());
}

// ---- survival

TEST(EngineSurvival, ASuccessorGoesOnWhereItsPredecessorDied) {
  World before;
  before.add({.name = "running"});
  before.add({.name = "starting"});
  before.add({.name = "stopping", .stopwaitsecs = 5});
  before.add({.name = "waiting", .command = "nosuch"});
  before.run("running");
  before.run("stopping");
  before.start("waiting");
  before.engine.stop(before.entry("stopping"), true, [](Answer) {});
  before.start("starting");
  before.engine.save_session();

  World after;
  after.clock = before.clock;
  after.take_over(before);
  EXPECT_EQ(after.entry("running").machine.pid, before.entry("running").machine.pid);
  for (const char* name : {"running", "starting", "stopping", "waiting"}) EXPECT_EQ(after.state(name), before.state(name));
  EXPECT_THAT(after.children.signals, ElementsAre());

  after.advance(milliseconds(1001));  // deadlines go on, they do not start anew
  EXPECT_EQ(after.state("starting"), State::running);
  after.advance(milliseconds(4000));
  EXPECT_THAT(after.children.signals, ElementsAre("stopping SIGKILL process"));
  after.exit_and_drain("running", exited(7));
  EXPECT_THAT(after.log.lines, Contains("WARN exited: running (exit status 7; not expected)"));
  EXPECT_THAT(after.children.spawned_names(), Contains("running"));
}

TEST(EngineSurvival, AStartWhoseAnswerWasLostIsTriedAgain) {
  World before;
  before.add({.name = "x"});
  before.engine.start(before.entry("x"), false, [](Answer) {});
  before.engine.save_session();
  World after;
  after.clock = before.clock;
  after.take_over(before);
  EXPECT_EQ(after.state("x"), State::backoff);
}

TEST(EngineSurvival, AStartWhoseAnswerCameTooLateIsTheSuccessors) {
  World before;
  before.add({.name = "x"});
  before.engine.start(before.entry("x"), false, [](Answer) {});
  before.children.alive[before.entry("x").id] = 1234;
  before.engine.save_session();
  World after;
  after.clock = before.clock;
  after.take_over(before);
  EXPECT_EQ(after.state("x"), State::starting);
  EXPECT_EQ(after.entry("x").machine.pid, 1234);
  EXPECT_THAT(after.log.lines, Contains("INFO spawned: 'x' with pid 1234"));
}

}  // namespace
}  // namespace sup::engine
