#include "engine/record.h"

#include <gtest/gtest.h>

#include <limits>

namespace sup::engine {
namespace {

ProcessRecord full_process_record() {
  ProcessRecord record;
  record.group = "mail";
  record.name = "mail_00";
  record.generation = 3;
  record.state = 20;
  record.failures = 2;
  record.deadline = 123456789012345;
  record.started = 0;
  record.start_wall = 1700000000123456789;
  record.stop_wall = 7;
  record.exit_status = -1;
  record.spawn_error = "can't find command 'x'";
  record.out_path = std::string(300, 'o');
  record.err_path = "/tmp/e.log";
  return record;
}

TEST(Record, AProcessComesBackAsItWasWritten) {
  const auto back = read_process_record(write_record(full_process_record()));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, full_process_record());
}

TEST(Record, AbsentAndZeroAreDifferentThings) {
  ProcessRecord record;
  record.exit_status = 0;
  const auto back = read_process_record(write_record(record));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->exit_status, 0);
  EXPECT_FALSE(back->deadline);
}

TEST(Record, ASessionComesBackAsItWasWritten) {
  const SessionRecord record{-1, 77, 4, 1234567, {{"a", 0}, {"empty-list group", 4}, {"b:c", 3}}, "1.2.3", "1.3.0"};
  const auto back = read_session_record(write_record(record));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, record);
}

TEST(Record, AGroupWithoutANameKeepsItsGenerationToItself) {
  const SessionRecord record{1, 2, 3, 4, {{"a", 1}, {"", 2}}, "", ""};
  EXPECT_EQ(read_session_record(write_record(record)), record);
}

TEST(Record, TheSmallestAndTheLargestTimesComeBack) {
  ProcessRecord record;
  record.deadline = std::numeric_limits<std::int64_t>::min();
  record.started = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(read_process_record(write_record(record)), record);
}

TEST(Record, IdsBeginWithOne) {
  EXPECT_EQ(read_session_record(std::string("Si\1\0", 4))->next_id, 1U);
}

TEST(Record, UnknownFieldsOfANewerVersionAreSkipped) {
  const std::string bytes = write_record(full_process_record()) + "Z\x03new";
  const auto back = read_process_record(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, full_process_record());
}

TEST(Record, EveryCutIsAnErrorOrAShorterRecordAndNeverACrash) {
  const std::string bytes = write_record(full_process_record());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto back = read_process_record(std::string_view(bytes).substr(0, length));
    if (back) {
      EXPECT_NE(*back, full_process_record());
    }
  }
}

TEST(Record, OneKindIsNotTakenForTheOther) {
  EXPECT_FALSE(read_session_record(write_record(ProcessRecord{})));
  EXPECT_FALSE(read_process_record(write_record(SessionRecord{})));
}

TEST(Record, ALengthBeyondTheEndIsAnError) {
  EXPECT_FALSE(read_process_record("Pg\xff\xff\xff\xff\x7fx"));
  EXPECT_FALSE(read_process_record("Pg\x05" "abc"));
}

}  // namespace
}  // namespace sup::engine
