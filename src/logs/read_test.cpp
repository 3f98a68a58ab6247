#include "logs/read.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "base/unique_fd.h"
#include "logs/test_files.h"

namespace sup::logs {
namespace {

constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();

struct Reading : testing::Test {
  TestFolder folder;
  std::string path = folder.path("log");

  void SetUp() override { folder.put("log", "0123456789"); }
};

TEST_F(Reading, a_slice_follows_the_table_of_supervisor) {
  const auto slice = [&](std::int64_t offset, std::int64_t length) { return read_slice(path, offset, length).value(); };
  EXPECT_EQ(slice(-4, 0), "6789");
  EXPECT_EQ(slice(-100, 0), "0123456789");
  EXPECT_EQ(slice(lowest, 0), "0123456789");
  EXPECT_EQ(slice(0, 0), "0123456789");
  EXPECT_EQ(slice(4, 0), "456789");
  EXPECT_EQ(slice(4, 3), "456");
  EXPECT_EQ(slice(8, 30), "89");
  EXPECT_EQ(slice(10, 5), "");
  EXPECT_EQ(slice(std::int64_t{1} << 40, highest), "");
}

TEST_F(Reading, a_slice_begins_where_the_file_system_allows) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto beyond = read_slice(path, highest, 0);
  if (::lseek(fd.get(), highest, SEEK_SET) == highest) {
    EXPECT_EQ(beyond.value(), "");
  } else {
    EXPECT_EQ(beyond.error(), ReadFailure::failed);
  }
}

TEST_F(Reading, a_slice_with_senseless_arguments_is_refused) {
  EXPECT_EQ(read_slice(path, -1, 5).error(), ReadFailure::bad_arguments);
  EXPECT_EQ(read_slice(path, -1, -5).error(), ReadFailure::bad_arguments);
  EXPECT_EQ(read_slice(path, 0, -1).error(), ReadFailure::bad_arguments);
}

TEST_F(Reading, a_slice_says_whether_the_file_is_missing_or_unreadable) {
  EXPECT_EQ(read_slice(folder.path("none"), 0, 0).error(), ReadFailure::no_file);
  EXPECT_EQ(read_slice(folder.path("log/none"), 0, 0).error(), ReadFailure::no_file);
  EXPECT_EQ(read_slice(folder.path(""), 0, 0).error(), ReadFailure::failed);
  EXPECT_EQ(read_slice(folder.path(""), -1, 5).error(), ReadFailure::failed);
}

TEST_F(Reading, a_named_pipe_neither_hangs_nor_reads) {
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_slice(folder.path("fifo"), 0, 0).error(), ReadFailure::failed);
  EXPECT_EQ(tail(folder.path("fifo"), 7, 10).offset, 7);
}

TEST_F(Reading, the_null_device_is_an_empty_log) {
  EXPECT_EQ(read_slice("/dev/null", 0, 0).value(), "");
  EXPECT_EQ(tail("/dev/null", 0, 100).offset, 0);
}

TEST_F(Reading, a_tail_follows_the_table_of_supervisor) {
  const struct {
    std::int64_t offset, length;
    std::string bytes;
    bool overflow;
  } table[] = {
      {0, 10, "0123456789", false},
      {0, 5, "56789", true},
      {0, 20, "0123456789", false},
      {5, 5, "56789", false},
      {5, 3, "789", true},
      {5, 20, "0123456789", false},
      {10, 5, "", false},
      {15, 5, "", false},
      {0, 0, "", true},
      {-5, 5, "56789", true},
      {-5, 20, "0123456789", false},
      {0, -1, "", true},
      {9, 1, "9", false},
      {highest, highest, "", false},
      {lowest, lowest, "", true},
      {0, highest, "0123456789", false},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(testing::Message() << row.offset << "," << row.length);
    const Tail got = tail(path, row.offset, row.length);
    EXPECT_EQ(got.bytes, row.bytes);
    EXPECT_EQ(got.offset, 10);
    EXPECT_EQ(got.overflow, row.overflow);
  }
}

TEST_F(Reading, a_tail_of_a_missing_file_is_empty) {
  const Tail got = tail(folder.path("none"), 5, 10);
  EXPECT_EQ(got.bytes, "");
  EXPECT_EQ(got.offset, 0);
  EXPECT_FALSE(got.overflow);
}

TEST_F(Reading, a_tail_that_cannot_be_read_gives_the_offset_back) {
  const Tail got = tail(folder.path(""), 5, 10);
  EXPECT_EQ(got.bytes, "");
  EXPECT_EQ(got.offset, 5);
  EXPECT_FALSE(got.overflow);
}

TEST(Readable, leaves_valid_text_alone) {
  const std::string text = "tab\t cr\r\n \x7f äöü € \xF0\x9F\x98\x80 \xC2\x85 \xF4\x8F\xBF\xBF";
  EXPECT_EQ(readable(text), text);
  EXPECT_EQ(readable(""), "");
}

TEST(Readable, leaves_out_characters_cut_at_the_borders) {
  const std::string smile = "\xF0\x9F\x98\x80";
  for (std::size_t cut = 1; cut < 4; ++cut) {
    EXPECT_EQ(readable(smile.substr(cut) + "x"), "x");
    EXPECT_EQ(readable("x" + smile.substr(0, cut)), "x");
  }
}

TEST(Readable, replaces_what_is_not_utf8) {
  EXPECT_EQ(readable("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(readable("a\x80\x80z"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(readable("a\xF0\x9Fz"), "a\uFFFDz");                  // one for the beginning of a character
  EXPECT_EQ(readable("a\xC0\xAFz"), "a\uFFFD\uFFFDz");            // overlong
  EXPECT_EQ(readable("a\xED\xA0\x80z"), "a\uFFFD\uFFFD\uFFFDz");  // surrogate
  EXPECT_EQ(readable("a\xF4\x90\x80\x80z"), "a\uFFFD\uFFFD\uFFFD\uFFFDz");
  EXPECT_EQ(readable("a\xFF"), "a\uFFFD");  // no character begins so
}

TEST(Readable, replaces_control_characters_that_xml_forbids) {
  EXPECT_EQ(readable(std::string_view("a\0\x1b[0m\x08", 7)), "a\uFFFD\uFFFD[0m\uFFFD");
  EXPECT_EQ(readable("\xEF\xBF\xBE\xEF\xBF\xBF"), "\uFFFD\uFFFD");
}

}  // namespace
}  // namespace sup::logs
