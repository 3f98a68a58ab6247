#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "engine/test_surroundings.h"

namespace sup::engine {
namespace {

using events::Type;
using process::State;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int exited(int code) { return code << 8; }

// "serial TYPE body" of everything in what a listener was sent.
std::vector<std::string> events_in(std::string_view sent) {
  std::vector<std::string> found;
  const auto field = [](std::string_view header, std::string_view name) {
    const auto at = header.find(name) + name.size();
    return header.substr(at, header.find_first_of(" \n", at) - at);
  };
  while (!sent.empty()) {
    const std::string_view header = sent.substr(0, sent.find('\n') + 1);
    const auto length = static_cast<std::size_t>(*to_int(field(header, " len:")));
    found.push_back(std::string(field(header, " serial:")) + " " + std::string(field(header, " eventname:")) + " " +
                    std::string(sent.substr(header.size(), length)));
    sent.remove_prefix(header.size() + length);
  }
  return found;
}

// Answers until there is nothing more, and tells what it was sent.
std::vector<std::string> work_off(World& world, const std::string& name) {
  std::vector<std::string> all;
  for (;;) {
    const auto some = events_in(world.sent_to(name));
    if (some.empty()) return all;
    all.insert(all.end(), some.begin(), some.end());
    world.say(name, "RESULT 2\nOKREADY\n");
  }
}

TEST(EngineListeners, APoolHearsOfItselfFirstThenOfTheOthersInOrder) {
  World world;
  world.add({.name = "ev", .priority = -1, .events = {"EVENT"}, .buffer_size = 100});
  world.add({.name = "x"});
  world.engine.emit({Type::supervisor_state_change_running, {}});
  world.engine.start_automatic();
  world.children.answer_spawns();
  world.say("ev", "READY\n");
  EXPECT_THAT(events_in(world.sent_to("ev")), IsEmpty());  // not RUNNING yet
  world.advance(milliseconds(1001));
  EXPECT_THAT(work_off(world, "ev"),
              ElementsAre("0 PROCESS_GROUP_ADDED groupname:ev\n", "1 PROCESS_GROUP_ADDED groupname:x\n",
                          "2 SUPERVISOR_STATE_CHANGE_RUNNING ",
                          "3 PROCESS_STATE_STARTING processname:ev groupname:ev from_state:STOPPED tries:0",
                          "4 PROCESS_STATE_STARTING processname:x groupname:x from_state:STOPPED tries:0",
                          "5 PROCESS_STATE_RUNNING processname:ev groupname:ev from_state:STARTING pid:1000",
                          "6 PROCESS_STATE_RUNNING processname:x groupname:x from_state:STARTING pid:1001"));
}

TEST(EngineListeners, EventsThatNobodySubscribedToAreNotMadeAndHaveNoNumber) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  EXPECT_FALSE(world.engine.wants(Type::tick_5));
  world.run("ev");
  world.say("ev", "READY\n");
  world.engine.emit({Type::remote_communication, events::remote_body("a", "b")});
  EXPECT_THAT(events_in(world.sent_to("ev")), ElementsAre("0 REMOTE_COMMUNICATION type:a\nb"));
}

TEST(EngineListeners, TheStateEventComesBeforeTheLineInTheLog) {
  World world;
  world.add({.name = "ev", .events = {"PROCESS_STATE_EXITED"}});
  world.add({.name = "x"});
  world.run("ev");
  world.run("x");
  world.say("ev", "READY\n");
  world.exit_and_drain("x", exited(3));
  const auto at = [&](const std::string& line) { return std::ranges::find(world.log.lines, line); };
  EXPECT_LT(at("DEBG event 0 sent to listener ev"), at("WARN exited: x (exit status 3; not expected)"));
}

TEST(EngineListeners, WhatItSaidLastCountsBeforeItsEndIsTold) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  world.run("ev");
  world.say("ev", "READY\n");
  world.engine.emit({Type::remote_communication, "done"});
  world.listener_outputs.left[world.entry("ev").id] = "RESULT 2\nOKREADY\n";
  world.exit_and_drain("ev", exited(1));
  const auto at = [&](const std::string& line) { return std::ranges::find(world.log.lines, line); };
  ASSERT_NE(at("DEBG ev: event was processed"), world.log.lines.end());
  EXPECT_LT(at("DEBG ev: event was processed"), at("WARN exited: ev (exit status 1; not expected)"));
  EXPECT_THAT(world.log.lines, Not(Contains(HasSubstr("rebuffering"))));
}

TEST(EngineListeners, AnEventOverWhichItsListenerDiesComesAgainAfterTheEndIsTold) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  world.run("ev");
  world.say("ev", "READY\n");
  world.engine.emit({Type::remote_communication, "deadly"});
  const auto first = events_in(world.sent_to("ev"));
  world.exit_and_drain("ev", exited(1));
  ASSERT_GE(world.log.lines.size(), 2U);
  EXPECT_EQ(world.log.lines.end()[-2], "WARN exited: ev (exit status 1; not expected)");
  EXPECT_THAT(world.log.lines.end()[-1], StartsWith("DEBG rebuffering event 0 for pool ev"));
  world.children.answer_spawns();
  world.say("ev", "READY\n");
  world.advance(milliseconds(1001));
  EXPECT_EQ(events_in(world.sent_to("ev")), first);
}

TEST(EngineListeners, ADyingListenerIsSentNothing) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  world.run("ev");
  world.say("ev", "READY\n");
  world.exit("ev", exited(0));
  world.engine.emit({Type::remote_communication, "late"});
  EXPECT_THAT(events_in(world.sent_to("ev")), IsEmpty());
}

TEST(EngineListeners, OneThatIsBeingStoppedIsSentNothing) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  world.run("ev");
  world.say("ev", "READY\n");
  world.engine.stop(world.entry("ev"), false, [](Answer) {});
  world.engine.emit({Type::remote_communication, "late"});
  EXPECT_THAT(events_in(world.sent_to("ev")), IsEmpty());
}

TEST(EngineListeners, AListenerThatClosedItsInputKeepsItsStateAndTheEventWaits) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  world.run("ev");
  world.say("ev", "READY\n");
  world.inputs.closed.insert(world.entry("ev").id);
  world.engine.emit({Type::remote_communication, "x"});
  EXPECT_THAT(world.log.lines, Contains("DEBG epipe occurred while sending event 0 to listener ev, listener state unchanged"));
  EXPECT_THAT(world.log.lines, Contains(StartsWith("DEBG rebuffering event 0 for pool ev")));
}

TEST(EngineListeners, ItsOutputIsEchoedAsBytes) {
  World world;
  world.add({.name = "ev", .events = {"EVENT"}});
  world.start("ev");
  world.say("ev", "READY\n");
  EXPECT_THAT(world.log.lines, Contains("DEBG 'ev' stdout output:\nb'READY\\n'"));
}

TEST(EngineListeners, APoolThatGoesIsNotToldOfItsRemoval) {
  World world;
  world.add({.name = "ev", .events = {"PROCESS_GROUP"}});
  world.add({.name = "other", .events = {"PROCESS_GROUP"}});
  world.run("other");
  world.say("other", "READY\n");
  EXPECT_TRUE(world.children.held.contains("events of ev"));
  EXPECT_TRUE(world.engine.remove_group("ev"));
  EXPECT_FALSE(world.children.held.contains("events of ev"));
  EXPECT_THAT(work_off(world, "other"),
              ElementsAre("1 PROCESS_GROUP_ADDED groupname:other\n", "2 PROCESS_GROUP_REMOVED groupname:ev\n"));
}

TEST(EngineListeners, TheDaemonsEndIsToldOnceAndListenersStopLast) {
  World world;
  world.add({.name = "ev", .priority = -1, .events = {"SUPERVISOR_STATE_CHANGE"}});
  world.add({.name = "x"});
  world.run("ev");
  world.run("x");
  world.say("ev", "READY\n");
  world.engine.shut_down(Mood::shutdown, [] {});
  world.engine.shut_down(Mood::shutdown, [] {});
  EXPECT_THAT(work_off(world, "ev"), ElementsAre("0 SUPERVISOR_STATE_CHANGE_STOPPING "));
  EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM process"));
}

TEST(EngineListeners, ARejectedEventComesAgainAfterThePauseOfItsPool) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}, .retry_delay = 5});
  world.run("ev");
  world.say("ev", "READY\n");
  world.engine.emit({Type::remote_communication, "again"});
  const auto first = events_in(world.sent_to("ev"));
  world.say("ev", "RESULT 4\nFAILREADY\n");
  world.advance(milliseconds(4999));
  EXPECT_THAT(events_in(world.sent_to("ev")), IsEmpty());
  world.advance(milliseconds(1));
  EXPECT_EQ(events_in(world.sent_to("ev")), first);
  world.say("ev", "RESULT 4\nFAIL");
  world.exit_and_drain("ev", exited(0));
  EXPECT_TRUE(world.engine.remove_group("ev"));
  world.advance(seconds(10));  // of which nobody is left to know
}

// ---- ticks

TEST(EngineTicks, NothingWakesTheDaemonUnlessSomebodyWantsTicks) {
  World world;
  world.add({.name = "ev", .autostart = false, .events = {"PROCESS_STATE"}});
  EXPECT_FALSE(world.engine.next_deadline());
  world.add({.name = "clock", .autostart = false, .events = {"TICK_60"}});
  ASSERT_TRUE(world.engine.next_deadline());
  const Duration into = world.clock.time.wall.time_since_epoch() % seconds(60);
  EXPECT_EQ(*world.engine.next_deadline() - world.clock.time.mono, seconds(60) - into);
  EXPECT_TRUE(world.engine.remove_group("clock"));
  EXPECT_FALSE(world.engine.next_deadline());
}

TEST(EngineTicks, TheyComeAtMultiplesOfTheirPeriod) {
  World world;
  world.clock.time.wall = WallTime(seconds(1'700'006'398));  // two seconds before an hour
  world.add({.name = "ev", .events = {"TICK"}});
  world.run("ev");
  world.say("ev", "READY\n");
  EXPECT_THAT(work_off(world, "ev"),
              ElementsAre("0 TICK_5 when:1700006400", "1 TICK_60 when:1700006400", "2 TICK_3600 when:1700006400"));
  world.advance(seconds(4));
  EXPECT_THAT(work_off(world, "ev"), IsEmpty());
  world.advance(seconds(1));
  EXPECT_THAT(work_off(world, "ev"), ElementsAre("3 TICK_5 when:1700006405"));
}

// ---- survival

TEST(EngineListeners, ASuccessorGoesOnInTheMiddleOfAnAnswer) {
  World before;
  before.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  before.run("ev");
  before.say("ev", "READY\n");
  for (const char* body : {"one", "two"}) before.engine.emit({Type::remote_communication, body});
  before.say("ev", "RESULT 4\nFA");
  before.engine.save_session();
  before.engine.emit({Type::remote_communication, "three"});

  World after;
  after.clock = before.clock;
  after.take_over(before);
  after.say("ev", "ILREADY\n");
  after.engine.emit({Type::remote_communication, "four"});
  EXPECT_THAT(work_off(after, "ev"),
              ElementsAre("0 REMOTE_COMMUNICATION one", "1 REMOTE_COMMUNICATION two", "2 REMOTE_COMMUNICATION three",
                          "3 REMOTE_COMMUNICATION four"));
}

TEST(EngineListeners, TheEndOfALifeLeavesNothingWithTheKeeper) {
  World world;
  world.add({.name = "ev", .events = {"REMOTE_COMMUNICATION"}});
  world.engine.save_session();
  world.engine.forget_all();
  EXPECT_THAT(world.children.held, IsEmpty());
  EXPECT_THAT(world.children.records, IsEmpty());
}

}  // namespace
}  // namespace sup::engine
