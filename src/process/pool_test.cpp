#include "process/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <set>

namespace sup::process {
namespace {

using events::Event;
using events::Type;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class Lines final : public Log {
 public:
  void write(Level level, std::string_view message) override {
    lines.push_back((level == Level::error   ? "ERRO "
                     : level == Level::debug ? "DEBG "
                                             : "WARN ") +
                    std::string(message));
  }
  [[nodiscard]] bool wants(Level) const override { return true; }
  std::vector<std::string> lines;
};

class Door final : public PoolPort {
 public:
  [[nodiscard]] bool is_running(ProcessId id) const override { return !down.contains(id); }
  [[nodiscard]] bool send(ProcessId id, std::uint64_t, const Message& message) override {
    if (closed.contains(id)) return false;
    sent.emplace_back(id, message.joined());
    return true;
  }
  void send_rest(ProcessId, std::uint64_t, const Message&) override {}
  void resume_later(ProcessId id, Duration delay) override { pauses.emplace_back(id, delay); }
  // "process: serial poolserial" of everything sent.
  [[nodiscard]] std::vector<std::string> summary() const {
    std::vector<std::string> result;
    for (const auto& [id, bytes] : sent) {
      result.push_back(std::to_string(id) + ":" + field(bytes, " serial:") + field(bytes, " poolserial:"));
    }
    return result;
  }
  static std::string field(const std::string& bytes, const std::string& name) {
    const auto at = bytes.find(name) + name.size();
    return " " + bytes.substr(at, bytes.find(' ', at) - at);
  }

  std::vector<std::pair<ProcessId, std::string>> sent;
  std::vector<std::pair<ProcessId, Duration>> pauses;
  std::set<ProcessId> closed;
  std::set<ProcessId> down;
};

class PoolTest : public testing::Test {
 protected:
  Pool& add(const std::string& name, std::vector<std::string> types, const std::vector<ProcessId>& ids,
            std::size_t buffer_size = 10) {
    Pool& pool = pools.add({.name = name,
                            .identifier = "supervisor",
                            .buffer_size = buffer_size,
                            .subscription = events::Subscription(types)},
                           door, log);
    for (const ProcessId id : ids) {
      pools.add_member(pool, id, name + std::to_string(id));
      pool.started(id);
    }
    return pool;
  }
  void emit(Type type = Type::tick_5, std::string body = "when:5") { pools.emit({type, std::move(body)}); }

  Lines log;
  Door door;
  Pools pools;
};

TEST_F(PoolTest, AnEventGoesToTheFirstReadyProcessInItsEnvelope) {
  Pool& pool = add("ev", {"TICK"}, {1, 2});
  pool.output(2, "READY\n");
  pool.output(1, "READY\n");
  emit();
  ASSERT_EQ(door.sent.size(), 1U);
  EXPECT_EQ(door.sent[0].first, 1U);
  EXPECT_EQ(door.sent[0].second,
            "ver:3.0 server:supervisor serial:0 pool:ev poolserial:0 eventname:TICK_5 len:6\nwhen:5");
  EXPECT_EQ(pool.listener_state(1), ListenerState::busy);
  EXPECT_EQ(log.lines.back(), "DEBG event 0 sent to listener ev1");
  emit();
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "2: 1 1"));
}

TEST_F(PoolTest, EventsWaitUntilAProcessIsBothRunningAndReady) {
  Pool& pool = add("ev", {"TICK"}, {1});
  door.down.insert(1);
  emit();
  pool.output(1, "READY\n");
  EXPECT_THAT(door.sent, IsEmpty());
  door.down.clear();
  pool.dispatch();
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0"));
  EXPECT_EQ(pool.waiting(), 0U);
}

TEST_F(PoolTest, AnAnsweringListenerGetsTheNextEvent) {
  Pool& pool = add("ev", {"TICK"}, {1});
  emit();
  emit();
  pool.output(1, "READY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0"));
  pool.output(1, "RESULT 2\nOKREADY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "1: 1 1"));
  EXPECT_THAT(log.lines, Contains("DEBG ev1: event was processed"));
}

TEST_F(PoolTest, ARejectedEventComesBackFirstWithTheSameSerials) {
  Pool& pool = add("ev", {"TICK"}, {1});
  pool.output(1, "READY\n");
  emit();
  emit();
  pool.output(1, "RESULT 4\nFAIL");
  EXPECT_EQ(pool.waiting(), 2U);
  EXPECT_EQ(log.lines.back(), "DEBG rebuffering event 0 for pool ev (buf size=1, max=10)");
  pool.output(1, "READY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "1: 0 0"));
}

TEST_F(PoolTest, ARejectionMayBeFollowedByAPause) {
  Pool& pool = pools.add({.name = "ev",
                          .identifier = "supervisor",
                          .subscription = events::Subscription({"TICK"}),
                          .retry_delay = Seconds(3)},
                         door, log);
  pools.add_member(pool, 1, "ev1");
  pool.started(1);
  pool.output(1, "READY\n");
  emit();
  pool.output(1, "RESULT 4\nFAILREADY\n");
  EXPECT_THAT(door.pauses, ElementsAre(std::pair(1U, Duration(Seconds(3)))));
  emit();
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0"));
  pool.resume();
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "1: 0 0"));
  pool.output(1, "RESULT 2\nOKREADY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "1: 0 0", "1: 1 1"));
  pool.ended(1);
  EXPECT_EQ(door.pauses.size(), 1U) << "a death is no rejection";
}

TEST_F(PoolTest, ARejectionStaysInItsOwnPool) {
  Pool& good = add("good", {"TICK"}, {1});
  Pool& bad = add("bad", {"TICK"}, {2});
  good.output(1, "READY\n");
  bad.output(2, "READY\n");
  emit();
  good.output(1, "RESULT 2\nOKREADY\n");
  bad.output(2, "RESULT 4\nFAILREADY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "2: 0 0", "2: 0 0"));
}

TEST_F(PoolTest, ABadResultLineGivesTheEventToAnotherListener) {
  Pool& pool = add("ev", {"TICK"}, {1, 2});
  pool.output(1, "READY\n");
  emit();
  pool.output(2, "READY\n");
  pool.output(1, "FOO\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "2: 0 0"));
  EXPECT_EQ(pool.listener_state(1), ListenerState::unknown);
}

TEST_F(PoolTest, AListenerThatDiesWithAnEventGivesItBack) {
  Pool& pool = add("ev", {"TICK"}, {1, 2});
  pool.output(1, "READY\n");
  emit();
  pool.output(2, "READY\n");
  pool.ended(1);
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "2: 0 0"));
  pool.ended(2);
  EXPECT_EQ(pool.waiting(), 1U);
  pool.started(2);
  EXPECT_EQ(pool.listener_state(2), ListenerState::acknowledged);
  pool.output(2, "READY\n");
  EXPECT_EQ(door.sent.size(), 3U);
}

TEST_F(PoolTest, AClosedInputIsSkippedAndItsListenerStaysReady) {
  Pool& pool = add("ev", {"TICK"}, {1, 2});
  pool.output(1, "READY\n");
  pool.output(2, "READY\n");
  door.closed = {1};
  emit();
  EXPECT_THAT(door.summary(), ElementsAre("2: 0 0"));
  EXPECT_THAT(log.lines,
              Contains("DEBG epipe occurred while sending event 0 to listener ev1, listener state unchanged"));
  EXPECT_EQ(pool.listener_state(1), ListenerState::ready);
  emit();
  EXPECT_EQ(pool.waiting(), 1U) << "kept, although the only ready listener cannot be reached";
}

TEST_F(PoolTest, AFullBufferLosesItsOldestEvent) {
  Pool& pool = add("ev", {"TICK"}, {1}, 2);
  for (int i = 0; i < 3; ++i)
    emit();
  EXPECT_THAT(log.lines, ElementsAre("ERRO pool ev event buffer overflowed, discarding event 0"));
  pool.output(1, "READY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 1 1"));
  emit();
  log.lines.clear();
  pool.output(1, "RESULT 4\nFAIL");
  EXPECT_THAT(log.lines, Contains("DEBG rebuffering event 1 for pool ev (buf size=2, max=2)"));
  EXPECT_THAT(log.lines, Contains("ERRO pool ev event buffer overflowed, discarding event 2"));
  pool.output(1, "READY\n");
  EXPECT_EQ(door.summary().back(), "1: 1 1");
  EXPECT_EQ(pool.waiting(), 1U);
}

TEST_F(PoolTest, SerialsAreSpentOnlyOnEventsThatAPoolTakes) {
  Pool& all = add("all", {"EVENT"}, {1});
  Pool& ticks = add("ticks", {"TICK"}, {2});
  emit(Type::process_group_added, "groupname:g\n");
  emit();
  all.output(1, "READY\n");
  all.output(1, "RESULT 2\nOKREADY\n");
  ticks.output(2, "READY\n");
  EXPECT_THAT(door.summary(), ElementsAre("1: 0 0", "1: 1 1", "2: 1 0"));
  pools.remove("all");
  EXPECT_FALSE(pools.wants(Type::process_group_added));
  emit(Type::process_group_added, "groupname:h\n");
  EXPECT_EQ(pools.next_serial(), 2U);
}

TEST_F(PoolTest, OverlappingSubscriptionsDeliverOnce) {
  Pool& pool = add("ev", {"TICK", "TICK_5", "EVENT"}, {1});
  emit();
  EXPECT_EQ(pool.waiting(), 1U);
}

TEST_F(PoolTest, APoolIsFoundByItsProcessesUntilItIsRemoved) {
  Pool& pool = add("ev", {"TICK"}, {1});
  add("other", {"TICK_60"}, {2});
  EXPECT_EQ(pools.of(1), &pool);
  EXPECT_EQ(pools.of(3), nullptr);
  EXPECT_EQ(pools.find("ev"), &pool);
  pools.remove("ev");
  EXPECT_EQ(pools.of(1), nullptr);
  EXPECT_EQ(pools.find("ev"), nullptr);
  EXPECT_TRUE(pools.wants(Type::tick_60));
  EXPECT_FALSE(pools.wants(Type::tick_5));
  pools.remove("ev");
}

TEST_F(PoolTest, WhatIsNotAboutItsProcessesIsIgnored) {
  Pool& pool = add("ev", {"TICK"}, {1});
  pool.output(9, "READY\n");
  pool.started(9);
  pool.ended(9);
  EXPECT_THAT(log.lines, IsEmpty());
  EXPECT_FALSE(pool.listener_state(9));
  EXPECT_THAT(pool.members(), ElementsAre(1U));
}

TEST(SerialNumber, BeginsAgainAfterTheGreatestSignedNumber) {
  Serial serial(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(serial.take(), 9223372036854775807U);
  EXPECT_EQ(serial.take(), 0U);
  EXPECT_EQ(serial.take(), 1U);
}

// Whatever listeners do, an event is with one listener, in the buffer, answered with OK, or reported as lost; never two
// of these, and what waits is never more than the buffer holds.
TEST(PoolProperty, NoEventIsLostSilentlyOrDoubled) {
  EXPECT_TRUE(rc::check([] {
    Lines log;
    Door door;
    Pools pools;
    const std::size_t size = *rc::gen::inRange<std::size_t>(1, 5);
    Pool& pool = pools.add(
        {.name = "ev", .identifier = "s", .buffer_size = size, .subscription = events::Subscription({"EVENT"})}, door,
        log);
    for (ProcessId id = 1; id <= 3; ++id)
      pools.add_member(pool, id, "p" + std::to_string(id));

    std::size_t emitted = 0;
    const int steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      const ProcessId id = *rc::gen::inRange<ProcessId>(1, 4);
      switch (*rc::gen::inRange(0, 8)) {
        case 0:
        case 1:
          pools.emit({Type::tick_5, "when:5"});
          ++emitted;
          break;
        case 2:
          pool.ended(id);
          break;
        case 3:
          if (!door.closed.erase(id)) door.closed.insert(id);
          break;
        case 4:
          if (!door.down.erase(id)) door.down.insert(id);
          pool.dispatch();
          break;
        case 5:
          pool.output(id, *rc::gen::element<std::string>("RESULT 4\nFAIL", "FOO\n", "RES", "ULT 2\n", "x"));
          break;
        default:
          pool.output(id, pool.listener_state(id) == ListenerState::busy ? "RESULT 2\nOK" : "READY\n");
      }
      std::size_t busy = 0;
      for (const ProcessId member : pool.members())
        busy += pool.listener_state(member) == ListenerState::busy;
      std::size_t processed = 0;
      std::size_t lost = 0;
      for (const std::string& line : log.lines) {
        processed += line.ends_with(": event was processed");
        lost += line.find("overflowed") != std::string::npos;
      }
      RC_ASSERT(pool.waiting() + busy + processed + lost == emitted);
      RC_ASSERT(pool.waiting() <= size);
    }
  }));
}

}  // namespace
}  // namespace sup::process
