#include "config/diff.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sup::config {
namespace {

Group group(const std::string& name, const std::function<void(ProgramOptions&, InstanceOptions&)>& change = {}) {
  ProgramOptions program;
  InstanceOptions instance;
  program.user = User{"chris", 1000};
  instance.command = "c";
  instance.environment = {{"A", "1"}, {"B", "2"}};
  instance.err.kind = LogTarget::Kind::none;
  instance.out.kind = LogTarget::Kind::file;
  instance.out.path = "/tmp/x";
  if (change) change(program, instance);
  Group made;
  made.name = name;
  made.processes.push_back(
      {name, std::make_shared<const ProgramOptions>(program), std::make_shared<const InstanceOptions>(instance), {}});
  return made;
}

std::vector<std::shared_ptr<const Group>> shared(const std::vector<Group>& groups) {
  std::vector<std::shared_ptr<const Group>> made;
  for (const Group& each : groups)
    made.push_back(std::make_shared<const Group>(each));
  return made;
}

TEST(Same, ThePlaceInTheFileDoesNotMatter) {
  Group moved = group("x");
  moved.place.line = moved.processes[0].place.line = 7;
  EXPECT_TRUE(same(group("x"), moved));
}

TEST(Same, EveryOptionOfAProcessMatters) {
  using Change = std::function<void(ProgramOptions&, InstanceOptions&)>;
  const std::vector<Change> changes{
      [](auto& p, auto&) { p.priority = 1; },
      [](auto& p, auto&) { p.autostart = false; },
      [](auto& p, auto&) { p.autorestart = Restart::never; },
      [](auto& p, auto&) { p.startsecs = 9; },
      [](auto& p, auto&) { p.startretries = 9; },
      [](auto& p, auto&) { p.exitcodes = {1}; },
      [](auto& p, auto&) { p.stopsignal = 1; },
      [](auto& p, auto&) { p.stopwaitsecs = 1; },
      [](auto& p, auto&) { p.stopasgroup = true; },
      [](auto& p, auto&) { p.killasgroup = true; },
      [](auto& p, auto&) { p.redirect_stderr = true; },
      [](auto& p, auto&) { p.user->uid = 1; },
      [](auto& p, auto&) { p.user.reset(); },
      [](auto& p, auto&) { p.umask = 022; },
      [](auto& p, auto&) { p.serverurl = "u"; },
      [](auto&, auto& i) { i.command = "d"; },
      [](auto&, auto& i) { i.directory = "d"; },
      [](auto&, auto& i) { i.environment[0].second = "3"; },
      [](auto&, auto& i) { i.environment.pop_back(); },
      [](auto&, auto& i) { i.out.path = "/tmp/y"; },
      [](auto&, auto& i) { i.out.kind = LogTarget::Kind::none; },
      [](auto&, auto& i) { i.out.max_bytes = 1; },
      [](auto&, auto& i) { i.out.backups = 1; },
      [](auto&, auto& i) { i.err.capture_max_bytes = 1; },
      [](auto&, auto& i) { i.err.events = true; },
      [](auto&, auto& i) { i.err.syslog = true; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i)
    EXPECT_FALSE(same(group("x"), group("x", changes[i]))) << i;
}

TEST(Same, AFileThatIsAutomaticFromNowOnIsNotCompared) {
  const auto automatic = group("x", [](auto&, auto& i) { i.out.kind = LogTarget::Kind::automatic; });
  const auto none = group("x", [](auto&, auto& i) { i.out.kind = LogTarget::Kind::none; });
  EXPECT_TRUE(same(group("x"), automatic));
  EXPECT_TRUE(same(automatic, automatic));
  EXPECT_FALSE(same(automatic, group("x")));
  EXPECT_FALSE(same(automatic, none));
}

TEST(Same, VariablesHaveNoOrderAndUsersAreNumbers) {
  EXPECT_TRUE(same(group("x"), group("x", [](auto& p, auto& i) {
                     std::swap(i.environment[0], i.environment[1]);
                     p.user->name = "1000";
                   })));
}

TEST(Same, WhatBelongsToTheGroupMatters) {
  const auto changed = [](const std::function<void(Group&)>& change) {
    Group other = group("x");
    change(other);
    return !same(group("x"), other);
  };
  EXPECT_TRUE(changed([](Group& g) { g.priority = 1; }));
  EXPECT_TRUE(changed([](Group& g) { g.processes[0].name = "y"; }));
  EXPECT_TRUE(changed([](Group& g) { g.processes.push_back(g.processes[0]); }));
  EXPECT_TRUE(changed([](Group& g) { g.pool.emplace(); }));
  EXPECT_TRUE(changed([](Group& g) { g.sockets.emplace_back(FcgiSocket{}); }));
}

TEST(Same, EventsHaveNoOrderButSocketsHaveEveryDetail) {
  Group a = group("x");
  Group b = group("x");
  a.pool = Pool{10, {"TICK", "EVENT"}};
  b.pool = Pool{10, {"EVENT", "TICK"}};
  EXPECT_TRUE(same(a, b));
  b.pool->events[0] = "TICK_5";
  EXPECT_FALSE(same(a, b));
  b.pool = Pool{10, {"TICK", "EVENT"}, false, 1};
  EXPECT_FALSE(same(a, b));
  b.pool = Pool{10, {"TICK", "EVENT"}, true, 0};
  EXPECT_FALSE(same(a, b));
  b.pool = Pool{11, {"TICK", "EVENT"}};
  EXPECT_FALSE(same(a, b));
  b.pool = a.pool;
  a.sockets = b.sockets = {FcgiSocket{}};
  EXPECT_TRUE(same(a, b));
  b.sockets[0]->mode = 0600;
  EXPECT_FALSE(same(a, b));
}

TEST(Diff, ListsAddedAndChangedInTheNewOrderAndRemovedInTheOld) {
  const Group a = group("a");
  const Group b = group("b");
  const Group c = group("c");
  const Group d = group("d");
  const auto new_b = group("b", [](auto&, auto& i) { i.command = "d"; });
  const auto new_d = group("d", [](auto&, auto& i) { i.command = "d"; });
  const auto changes = diff({&c, &b, &a, &d}, shared({group("f"), new_d, new_b, group("e")}));
  EXPECT_EQ(changes.added, (std::vector<std::string>{"f", "e"}));
  EXPECT_EQ(changes.changed, (std::vector<std::string>{"d", "b"}));
  EXPECT_EQ(changes.removed, (std::vector<std::string>{"c", "a"}));
}

TEST(Diff, OfEqualConfigurationsIsEmpty) {
  const Group a = group("a");
  const auto changes = diff({&a}, shared({group("a")}));
  EXPECT_TRUE(changes.added.empty() && changes.changed.empty() && changes.removed.empty());
}

}  // namespace
}  // namespace sup::config
