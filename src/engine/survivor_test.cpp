#include "engine/survivor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_surroundings.h"

namespace sup::engine {
namespace {

using process::State;
using std::chrono::minutes;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class Survivors : public testing::Test {
 protected:
  // One that was started with the command that the program has now.
  Survivor survivor(const std::string& name, pid_t pid = 77) {
    Survivor survivor;
    survivor.group = survivor.name = name;
    survivor.command = command_mark(world.entry(name).config);
    survivor.pid = pid;
    survivor.age = minutes(5);
    return survivor;
  }
  void meet(Survivor one, bool adopting = true) {
    std::vector<Survivor> all;
    all.push_back(std::move(one));
    world.engine.meet(std::move(all), adopting);
  }
  Fate fate(const Survivor& one, bool adopting = true) {
    const GroupEntry* group = world.engine.table().group(one.group);
    return fate_of(one, group == nullptr ? nullptr : group->find(one.name), adopting);
  }

  World world;
};

TEST_F(Survivors, AreOnlyToldOfUnlessTheyAreToBeAdopted) {
  world.add({"x"});
  meet(survivor("x"), false);
  EXPECT_THAT(world.log.lines, ElementsAre("WARN program 'x' (pid 77) survived the supervisord that had started it: not "
                                           "adopted, it runs on unwatched (adopt=true in [supervisord] would take it over)"));
  EXPECT_THAT(world.children.adopted, IsEmpty());
  world.engine.start_automatic();
  EXPECT_THAT(world.children.spawned_names(), ElementsAre("x"));
}

TEST_F(Survivors, RunOnAsIfTheyHadNeverBeenLeft) {
  world.add({.name = "x", .autostart = false, .stopwaitsecs = 3, .stopasgroup = true});
  meet(survivor("x"));
  const Entry& entry = world.entry("x");
  EXPECT_EQ(entry.machine.state, State::running);
  EXPECT_EQ(entry.machine.pid, 77);
  EXPECT_EQ(entry.start, world.clock.time.wall - minutes(5));
  ASSERT_EQ(world.children.adopted.size(), 1u);
  EXPECT_EQ(world.children.adopted[0].pid, 77);
  EXPECT_EQ(world.children.adopted[0].plan.stop_wait_ms, 3000u);
  EXPECT_TRUE(world.children.adopted[0].plan.stop_as_group);
  EXPECT_EQ(read_process_record(world.children.records.at(entry.id))->state, 20);
}

TEST_F(Survivors, AreNotStartedASecondTime) {
  world.add({"x"});
  meet(survivor("x"));
  world.engine.start_automatic();
  EXPECT_THAT(world.children.plans, IsEmpty());
}

TEST_F(Survivors, ThatAreAdoptedAreStoppedAndStartedAsOthersAre) {
  world.add({"x"});
  meet(survivor("x"));
  bool stopped = false;
  world.engine.stop(world.entry("x"), true, [&](Answer answer) { stopped = answer == Answer::done; });
  EXPECT_THAT(world.children.signals, ElementsAre("x SIGTERM process"));
  world.engine.on_exited(world.entry("x").id, 77, {.status = keeper::status_unknown});
  EXPECT_TRUE(stopped);
  EXPECT_EQ(world.state("x"), State::stopped);
  EXPECT_THAT(world.log.lines, Contains("WARN stopped: x (exit status unknown)"));
  world.run("x");
  EXPECT_EQ(world.state("x"), State::running);
}

TEST_F(Survivors, WhoseEndNobodyCouldWaitForHaveEndedUnexpectedly) {
  world.add({.name = "again", .restart = config::Restart::unexpected});
  world.add({.name = "never", .restart = config::Restart::never});
  meet(survivor("again", 7));
  meet(survivor("never", 8));
  for (const auto& adopted : world.children.adopted) {
    world.engine.on_exited(adopted.id, adopted.pid, {.status = keeper::status_unknown});
  }
  EXPECT_THAT(world.children.spawned_names(), ElementsAre("again"));
  EXPECT_EQ(world.state("never"), State::exited);
  EXPECT_EQ(world.entry("never").exit_status, -1);
  EXPECT_THAT(world.log.lines, Contains("WARN exited: never (exit status unknown; not expected)"));
}

TEST_F(Survivors, GoToTheNextManagerToo) {
  world.add({"x"});
  meet(survivor("x"));
  world.engine.save_session();
  World next;
  next.take_over(world);
  EXPECT_EQ(next.state("x"), State::running);
  next.engine.on_exited(next.entry("x").id, 77, {.status = keeper::status_unknown});
  EXPECT_THAT(next.children.spawned_names(), ElementsAre("x"));
}

TEST_F(Survivors, AreAdoptedOnlyIfTheyFit) {
  world.add({"x"});
  world.add({.name = "web", .sockets = {"/web"}});
  world.add({.name = "ear", .events = {"EVENT"}});
  EXPECT_EQ(fate(survivor("x")), Fate::adopted);
  EXPECT_EQ(fate(survivor("x"), false), Fate::unwanted);
  EXPECT_EQ(fate(survivor("ear")), Fate::listener);
  Survivor one = survivor("x");
  one.name = "y";
  EXPECT_EQ(fate(one), Fate::unknown);
  one = survivor("x");
  ++one.command;
  EXPECT_EQ(fate(one), Fate::changed);
  one = survivor("web_0");
  one.group = "web";
  EXPECT_EQ(fate(one), Fate::fastcgi);
  meet(survivor("x"));
  EXPECT_EQ(fate(survivor("x", 78)), Fate::second);
}

TEST_F(Survivors, AreToldApartByTheirCommands) {
  world.add({.name = "a", .command = "/bin/cat -n"});
  world.add({.name = "b", .command = "/bin/cat -n"});
  world.add({.name = "c", .command = "/bin/cat -N"});
  EXPECT_EQ(command_mark(world.entry("a").config), command_mark(world.entry("b").config));
  EXPECT_NE(command_mark(world.entry("a").config), command_mark(world.entry("c").config));
}

}  // namespace
}  // namespace sup::engine
