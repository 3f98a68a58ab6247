#include "events/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sup::events {
namespace {

std::vector<Type> all_types() {
  std::vector<Type> types;
  for (std::size_t i = 0; i < type_count; ++i)
    types.push_back(static_cast<Type>(i));
  return types;
}

TEST(EventType, NamesAreSupervisorsAndLeadBackToTheType) {
  EXPECT_THAT(type_names(),
              testing::UnorderedElementsAre(
                  "EVENT", "PROCESS_STATE", "PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING", "PROCESS_STATE_BACKOFF",
                  "PROCESS_STATE_STOPPING", "PROCESS_STATE_EXITED", "PROCESS_STATE_STOPPED", "PROCESS_STATE_FATAL",
                  "PROCESS_STATE_UNKNOWN", "PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION_STDOUT",
                  "PROCESS_COMMUNICATION_STDERR", "PROCESS_LOG", "PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR",
                  "REMOTE_COMMUNICATION", "SUPERVISOR_STATE_CHANGE", "SUPERVISOR_STATE_CHANGE_RUNNING",
                  "SUPERVISOR_STATE_CHANGE_STOPPING", "TICK", "TICK_5", "TICK_60", "TICK_3600", "PROCESS_GROUP",
                  "PROCESS_GROUP_ADDED", "PROCESS_GROUP_REMOVED"));
  for (const Type type : all_types())
    EXPECT_EQ(type_named(type_name(type)), type);
  EXPECT_FALSE(type_named("process_state"));
  EXPECT_FALSE(type_named("TICK_"));
  EXPECT_FALSE(type_named(""));
}

TEST(EventType, ATypeIsOneOfItselfAndOfEverythingAboveIt) {
  for (const Type type : all_types()) {
    EXPECT_TRUE(is_a(type, type));
    EXPECT_TRUE(is_a(type, Type::event));
    EXPECT_EQ(is_a(Type::event, type), type == Type::event);
    // The names show the tree.
    for (const Type other : all_types()) {
      const std::string prefix = std::string(type_name(other)) + "_";
      if (other != Type::event && type != other) {
        EXPECT_EQ(is_a(type, other), type_name(type).starts_with(prefix)) << type_name(type) << ' ' << prefix;
      }
    }
  }
}

TEST(Subscription, CoversATypeAndEverythingBelow) {
  Subscription subscription({"PROCESS_STATE", "TICK_60"});
  std::vector<std::string_view> wanted;
  for (const Type type : all_types()) {
    if (subscription.wants(type)) wanted.push_back(type_name(type));
  }
  EXPECT_EQ(wanted.size(), 10U);
  EXPECT_TRUE(subscription.wants(Type::process_state_fatal));
  EXPECT_TRUE(subscription.wants(Type::tick_60));
  EXPECT_FALSE(subscription.wants(Type::tick_5));
  EXPECT_FALSE(subscription.wants(Type::process_log_stdout));
  EXPECT_TRUE(std::ranges::all_of(all_types(), [](Type type) { return Subscription({"EVENT"}).wants(type); }));
}

TEST(Subscription, MergesAndIgnoresNamesThatAreNoType) {
  Subscription subscription({"NO_SUCH_TYPE"});
  EXPECT_TRUE(subscription.empty());
  Subscription other;
  other.add(Type::process_log_stderr);
  subscription.merge(other);
  EXPECT_TRUE(subscription.wants(Type::process_log_stderr));
  EXPECT_FALSE(subscription.wants(Type::process_log));
  EXPECT_FALSE(subscription.empty());
}

TEST(EventBody, IsSupervisorsByteForByte) {
  EXPECT_EQ(state_body("p", "g", "BACKOFF"), "processname:p groupname:g from_state:BACKOFF");
  EXPECT_EQ(state_body_tries("bad", "bad", "STARTING", 2), "processname:bad groupname:bad from_state:STARTING tries:2");
  EXPECT_EQ(state_body_pid("p", "g", "STARTING", 2766), "processname:p groupname:g from_state:STARTING pid:2766");
  EXPECT_EQ(exited_body("p", "g", "RUNNING", false, 7),
            "processname:p groupname:g from_state:RUNNING expected:0 pid:7");
  EXPECT_EQ(exited_body("p", "g", "RUNNING", true, 7), "processname:p groupname:g from_state:RUNNING expected:1 pid:7");
  EXPECT_EQ(log_body("p", "g", 7, Channel::out, "a\nb\n"), "processname:p groupname:g pid:7 channel:stdout\na\nb\n");
  EXPECT_EQ(log_body("p", "g", 7, Channel::err, ""), "processname:p groupname:g pid:7 channel:stderr\n");
  EXPECT_EQ(communication_body("p", "g", 7, "hello"), "processname:p groupname:g pid:7\nhello");
  EXPECT_EQ(remote_body("typ", "data"), "type:typ\ndata");
  EXPECT_EQ(group_body("g"), "groupname:g\n");
  EXPECT_EQ(tick_body(1201063880), "when:1201063880");
}

TEST(EventBody, ShowsBytesThatAreNoTextAsPythonDoes) {
  EXPECT_EQ(communication_body("p", "g", 7, "a\xff\n"), "processname:p groupname:g pid:7\nUndecodable: b'a\\xff\\n'");
  EXPECT_EQ(log_body("p", "g", 7, Channel::out, "\xc3"),
            "processname:p groupname:g pid:7 channel:stdout\nUndecodable: b'\\xc3'");
  EXPECT_EQ(communication_body("p", "g", 7, "dat\u00e9"), "processname:p groupname:g pid:7\ndat\u00e9");
}

std::string envelope(std::string_view identifier, std::uint64_t serial, std::string_view pool, std::uint64_t pool_serial,
                     const Event& event, Length length = Length::characters) {
  return header_line(identifier, serial, pool, pool_serial, event, length) + event.body;
}

TEST(Envelope, MayCountBytes) {
  EXPECT_EQ(envelope("s", 0, "p", 0, {Type::remote_communication, remote_body("typ", "dat\u00e9")}, Length::bytes),
            "ver:3.0 server:s serial:0 pool:p poolserial:0 eventname:REMOTE_COMMUNICATION len:14\ntype:typ\ndat\u00e9");
}

TEST(Envelope, HasOneHeaderLineWhoseLengthCountsCharacters) {
  EXPECT_EQ(envelope("supervisor", 21, "listener", 10, {Type::process_communication_stdout, "hello"}),
            "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 "
            "eventname:PROCESS_COMMUNICATION_STDOUT len:5\nhello");
  EXPECT_EQ(envelope("s", 0, "p", 0, {Type::remote_communication, remote_body("typ", "dat\u00e9")}),
            "ver:3.0 server:s serial:0 pool:p poolserial:0 eventname:REMOTE_COMMUNICATION len:13\ntype:typ\ndat\u00e9");
  EXPECT_EQ(envelope("s", 1, "p", 1, {Type::supervisor_state_change_running, ""}),
            "ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0\n");
}

}  // namespace
}  // namespace sup::events
