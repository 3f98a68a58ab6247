#include "logs/main_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

#include "logs/test_files.h"

namespace sup::logs {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

struct FixedClock final : Clock {
  Now at{};
  [[nodiscard]] Now now() const override { return at; }
};

WallTime local_time(int hour, int minute, int second, int milliseconds) {
  std::tm local{};
  local.tm_year = 126;
  local.tm_mon = 10;
  local.tm_mday = 2;
  local.tm_hour = hour;
  local.tm_min = minute;
  local.tm_sec = second;
  local.tm_isdst = -1;
  return WallTime(Seconds(std::mktime(&local))) + std::chrono::milliseconds(milliseconds);
}

struct DaemonLog : testing::Test {
  TestFolder folder;
  FixedClock clock;

  void SetUp() override { clock.at.wall = local_time(17, 12, 1, 123); }
  MainLog make(Level level = Level::info, long long max_bytes = 0) {
    MainLog::Plan plan;
    plan.level = level;
    plan.file = {folder.path("main.log"), max_bytes, 2};
    return MainLog(std::move(plan), clock);
  }
};

TEST(LineFormat, is_supervisors) {
  EXPECT_EQ(format_line(Level::info, "spawned: 'mail' with pid 4711", local_time(17, 12, 1, 7)),
            "2026-11-02 17:12:01,007 INFO spawned: 'mail' with pid 4711");
  EXPECT_THAT(format_line(Level::critical, "x", local_time(0, 0, 0, 999) + std::chrono::nanoseconds(999999)),
              EndsWith(" 00:00:00,999 CRIT x"));
  for (const auto& [level, label] :
       {std::pair(Level::error, "ERRO"), std::pair(Level::warn, "WARN"), std::pair(Level::debug, "DEBG"),
        std::pair(Level::trace, "TRAC"), std::pair(Level::blather, "BLAT")}) {
    EXPECT_THAT(format_line(level, "x", local_time(1, 2, 3, 0)), HasSubstr(label));
  }
}

TEST(LineFormat, follows_the_clock_from_second_to_second_and_back) {
  LineFormat format;
  EXPECT_EQ(format.line(Level::info, "x", local_time(1, 2, 3, 0)), "2026-11-02 01:02:03,000 INFO x");
  EXPECT_EQ(format.line(Level::info, "x", local_time(1, 2, 3, 500)), "2026-11-02 01:02:03,500 INFO x");
  EXPECT_EQ(format.line(Level::info, "x", local_time(1, 2, 4, 0)), "2026-11-02 01:02:04,000 INFO x");
  EXPECT_EQ(format.line(Level::info, "x", local_time(1, 2, 3, 0)), "2026-11-02 01:02:03,000 INFO x");
}

TEST_F(DaemonLog, keeps_early_messages_until_it_is_open) {
  auto log = make();
  log(Level::info, "early {}", 1);
  clock.at.wall += Seconds(1);
  EXPECT_FALSE(folder.has("main.log"));
  ASSERT_TRUE(log.open());
  log(Level::info, "late");
  EXPECT_EQ(folder.get("main.log"), "2026-11-02 17:12:01,123 INFO early 1\n2026-11-02 17:12:02,123 INFO late\n");
}

TEST_F(DaemonLog, writes_only_what_is_important_enough) {
  auto log = make(Level::warn);
  ASSERT_TRUE(log.open());
  log.write(Level::info, "no");
  log.write(Level::warn, "yes");
  EXPECT_THAT(folder.get("main.log"), EndsWith("WARN yes\n"));
  EXPECT_EQ(folder.get("main.log").find("no"), std::string::npos);
}

TEST_F(DaemonLog, fails_to_open_where_there_is_no_folder) {
  MainLog log({.file = {folder.path("none/main.log"), 0, 0}}, clock);
  EXPECT_FALSE(log.open());
}

TEST_F(DaemonLog, rotates) {
  auto log = make(Level::info, 10);
  ASSERT_TRUE(log.open());
  log.write(Level::info, "one");
  log.write(Level::info, "two");
  EXPECT_THAT(folder.get("main.log.1"), EndsWith("two\n"));
  EXPECT_THAT(folder.get("main.log.2"), EndsWith("one\n"));
  EXPECT_EQ(folder.get("main.log"), "");
}

TEST_F(DaemonLog, is_empty_when_cleared_and_says_so_where_it_ends) {
  auto log = make();
  ASSERT_TRUE(log.open());
  log.write(Level::info, "old");
  std::filesystem::create_hard_link(folder.path("main.log"), folder.path("kept"));
  ASSERT_TRUE(log.clear());
  EXPECT_EQ(folder.get("main.log"), "");
  EXPECT_THAT(folder.get("kept"), EndsWith("INFO old\n2026-11-02 17:12:01,123 INFO reopening log file\n"));
  log.write(Level::info, "new");
  EXPECT_THAT(folder.get("main.log"), EndsWith("INFO new\n"));
}

TEST_F(DaemonLog, says_that_a_special_file_cannot_be_rotated) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  MainLog log({.file = {"/dev/fd/" + std::to_string(ours.get()), 1000, 2}}, clock);
  ASSERT_TRUE(log.open());
  char text[1000]{};
  ASSERT_GT(::recv(theirs.get(), text, sizeof text - 1, 0), 0);
  EXPECT_THAT(text, HasSubstr("WARN logfile /dev/fd/"));
}

TEST_F(DaemonLog, sends_each_line_of_a_message_to_syslog) {
  UniqueFd server(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path("syslog");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

  const auto receive = [&] {
    char text[1000];
    const ssize_t n = ::recv(server.get(), text, sizeof text, 0);
    return std::string(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  };
  Syslog syslog(path);
  ASSERT_TRUE(syslog.send("hello", local_time(9, 8, 7, 0)));
  EXPECT_EQ(receive(), "<14>Nov  2 09:08:07 supervisord: hello");

  // A new daemon on the same path.
  ASSERT_EQ(::unlink(path.c_str()), 0);
  server = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_TRUE(syslog.send("again", local_time(9, 8, 7, 0)));
  EXPECT_THAT(receive(), EndsWith("again"));

  // One that does not read.
  int sent = 0;
  while (sent < 100000 && syslog.send("more", local_time(9, 8, 7, 0)))
    ++sent;
  EXPECT_LT(sent, 100000);
}

// A daemon that listens at a stream and reads when it is told to.
struct StreamDaemon {
  explicit StreamDaemon(const std::string& path) : listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener.get(), 5), 0);
  }
  // The records that have come since.
  std::vector<std::string> take() {
    if (!connection) connection = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    char buffer[65536];
    for (ssize_t n; (n = ::recv(connection.get(), buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<std::size_t>(n));
    std::vector<std::string> records;
    for (std::size_t end; (end = text.find('\0')) != text.npos; text.erase(0, end + 1))
      records.push_back(text.substr(0, end));
    return records;
  }

  UniqueFd listener;
  UniqueFd connection;
  std::string text;
};

TEST_F(DaemonLog, ends_records_on_a_stream_with_a_zero_byte) {
  const std::string path = folder.path("syslog");
  std::optional<StreamDaemon> daemon(path);
  Syslog syslog(path);
  for (const char* line : {"one", "", "three"})
    ASSERT_TRUE(syslog.send(line, local_time(9, 8, 7, 0)));
  EXPECT_THAT(daemon->take(),
              testing::ElementsAre("<14>Nov  2 09:08:07 supervisord: one", "<14>Nov  2 09:08:07 supervisord: ",
                                   "<14>Nov  2 09:08:07 supervisord: three"));
  daemon.reset();
  ASSERT_EQ(::unlink(path.c_str()), 0);
  EXPECT_FALSE(syslog.send("nobody", local_time(9, 8, 7, 0)));
  daemon.emplace(path);
  ASSERT_TRUE(syslog.send("again", local_time(9, 8, 7, 0)));
  EXPECT_THAT(daemon->take(), testing::ElementsAre(EndsWith(": again")));
}

TEST_F(DaemonLog, tears_no_record_on_a_stream_that_is_not_read) {
  const std::string path = folder.path("syslog");
  StreamDaemon daemon(path);
  Syslog syslog(path);
  const auto line = [](int i) { return std::to_string(i) + std::string(100'000, static_cast<char>('a' + i % 26)); };
  std::vector<std::string> sent;
  std::vector<std::string> got;
  for (int i = 0; i < 60; ++i) {
    if (syslog.send(line(i), local_time(9, 8, 7, 0))) sent.push_back("<14>Nov  2 09:08:07 supervisord: " + line(i));
    if (i % 10 == 9) std::ranges::move(daemon.take(), std::back_inserter(got));
  }
  while (!syslog.send("end", local_time(9, 8, 7, 0)))
    std::ranges::move(daemon.take(), std::back_inserter(got));
  std::ranges::move(daemon.take(), std::back_inserter(got));
  sent.push_back("<14>Nov  2 09:08:07 supervisord: end");
  EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size();
  EXPECT_LT(sent.size(), 60U);  // it did not keep up
}

TEST_F(DaemonLog, a_missing_syslog_daemon_is_no_disaster) {
  EXPECT_FALSE(Syslog(folder.path("none")).send("x", local_time(1, 2, 3, 0)));
}

}  // namespace
}  // namespace sup::logs
