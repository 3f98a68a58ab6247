#include "logs/pump.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <functional>
#include <thread>

#include "logs/test_files.h"

namespace sup::logs {
namespace {

using testing::HasSubstr;
using Kind = Report::Kind;

struct PumpTest : testing::Test {
  TestFolder folder;
  Pump pump{folder.path("syslog")};
  std::vector<Report> seen;

  // Gives the end to write to.
  UniqueFd attach(ProcessId id, Channel channel, ChannelPlan plan) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "pipe2";
    pump.attach(id, channel, UniqueFd(ends[0]), std::move(plan));
    return UniqueFd(ends[1]);
  }
  ChannelPlan plan(const std::string& file, long long max_bytes = 0, long long backups = 0) {
    ChannelPlan plan;
    plan.name = "cat";
    if (!file.empty()) plan.file = RotatingFile::open({folder.path(file), max_bytes, backups}).value();
    return plan;
  }
  static void write(const UniqueFd& fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
      ASSERT_GT(n, 0);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // Collects reports in seen until `done` says so of one of them.
  void wait_for(const std::function<bool(const Report&)>& done) {
    for (;;) {
      pollfd request{pump.fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&request, 1, 30000), 1) << "no report came";
      bool found = false;
      for (Report& report : pump.reports()) {
        found = found || done(report);
        seen.push_back(std::move(report));
      }
      if (found) return;
    }
  }
  void wait_for(Kind kind, ProcessId id = 1) {
    wait_for([=](const Report& report) { return report.kind == kind && report.id == id; });
  }
  [[nodiscard]] std::string all(Kind kind, Channel channel = Channel::out) const {
    std::string bytes;
    for (const Report& report : seen) {
      if (report.kind == kind && report.channel == channel) bytes += report.bytes;
    }
    return bytes;
  }
  [[nodiscard]] int count(Kind kind) const {
    int n = 0;
    for (const Report& report : seen)
      n += report.kind == kind ? 1 : 0;
    return n;
  }
};

TEST_F(PumpTest, everything_is_in_the_file_when_the_end_is_reported) {
  auto out = attach(1, Channel::out, plan("out"));
  auto err = attach(1, Channel::err, plan("err"));
  write(out, "to out");
  write(err, "to err");
  err.reset();
  wait_for(Kind::closed);
  EXPECT_EQ(seen.back().channel, Channel::err);
  EXPECT_EQ(folder.get("err"), "to err");
  out.reset();
  wait_for(Kind::closed);
  EXPECT_EQ(folder.get("out"), "to out");
}

TEST_F(PumpTest, a_drain_takes_what_is_in_the_pipes_though_others_hold_them) {
  const auto out = attach(1, Channel::out, plan("out"));
  const auto err = attach(1, Channel::err, plan("err"));
  write(out, std::string(60000, 'o'));
  write(err, std::string(60000, 'e'));
  pump.drain(1);
  wait_for(Kind::drained);
  EXPECT_EQ(folder.get("out"), std::string(60000, 'o'));
  EXPECT_EQ(folder.get("err"), std::string(60000, 'e'));
  EXPECT_EQ(seen.back().kind, Kind::drained);
  EXPECT_EQ(count(Kind::closed), 2);
}

TEST_F(PumpTest, a_drain_ends_though_a_grandchild_writes_for_ever) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto out = attach(1, Channel::out, plan("out"));
  std::thread grandchild([&] {
    const std::string text(4096, 'x');
    while (::write(out.get(), text.data(), text.size()) > 0) {
    }
  });
  pump.drain(1);
  wait_for(Kind::drained);
  grandchild.join();  // its pipe is closed
}

TEST_F(PumpTest, a_drain_after_the_end_is_answered_at_once) {
  auto out = attach(1, Channel::out, plan("out"));
  out.reset();
  wait_for(Kind::closed);
  pump.drain(1);
  const auto reports = pump.reports();  // without waiting for the thread
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].kind, Kind::drained);
  EXPECT_EQ(reports[0].id, 1U);
}

TEST_F(PumpTest, a_forgotten_process_has_no_open_file) {
  const auto is_open = [&] {
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(fd, gone) == folder.path("out")) return true;
    }
    return false;
  };
  auto out = attach(1, Channel::out, plan("out"));
  out.reset();
  wait_for(Kind::closed);
  EXPECT_TRUE(is_open());  // it may be cleared and reopened while the process lives
  pump.forget(1);
  pump.clear(2);
  wait_for(Kind::cleared, 2);  // commands are obeyed in order
  EXPECT_FALSE(is_open());
}

TEST_F(PumpTest, a_drain_of_an_unknown_process_is_answered) {
  pump.drain(77);
  wait_for(Kind::drained, 77);
}

TEST_F(PumpTest, a_process_may_come_again_after_a_drain) {
  for (int life = 0; life < 20; ++life) {
    auto out = attach(1, Channel::out, plan("out"));
    write(out, "life ");
    pump.drain(1);
    wait_for(Kind::drained);
  }
  EXPECT_EQ(folder.get("out").size(), 100U);
}

TEST_F(PumpTest, a_flood_of_short_lines_arrives_whole) {
  auto out = attach(1, Channel::out, plan("out"));
  std::string expected;
  for (int i = 0; i < 100000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    expected += line;
    write(out, line);
  }
  out.reset();
  wait_for(Kind::closed);
  EXPECT_TRUE(folder.get("out") == expected);
}

TEST_F(PumpTest, a_flood_that_pauses_does_not_leave_its_last_line_behind) {
  auto plan_with_events = plan("out");
  plan_with_events.events = true;
  auto out = attach(1, Channel::out, std::move(plan_with_events));
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 2000; ++i)
      write(out, "x");
    write(out, "!");
    wait_for([](const Report& report) { return report.kind == Kind::data && report.bytes.ends_with('!'); });
  }
  EXPECT_EQ(all(Kind::data).size(), 10005U);
}

TEST_F(PumpTest, rotation_keeps_every_byte) {
  auto out = attach(1, Channel::out, plan("out", 100000, 1000));
  for (int i = 0; i < 50; ++i)
    write(out, std::string(50000, 'x'));
  out.reset();
  wait_for(Kind::closed);
  std::size_t total = folder.get("out").size();
  int files = 0;
  for (int i = 1; folder.has("out." + std::to_string(i)); ++i, ++files) {
    total += folder.get("out." + std::to_string(i)).size();
  }
  EXPECT_EQ(total, 2500000U);
  EXPECT_GT(files, 5);
}

TEST_F(PumpTest, output_is_reported_for_events_and_for_the_main_log) {
  auto both = plan("out");
  both.events = true;
  both.echo = true;
  auto out = attach(1, Channel::out, std::move(both));
  write(out, "hello");
  out.reset();
  wait_for(Kind::closed);
  EXPECT_EQ(all(Kind::data), "hello");
  EXPECT_EQ(all(Kind::echo), "hello");
  EXPECT_EQ(folder.get("out"), "hello");
}

TEST_F(PumpTest, captures_are_reported_and_kept_out_of_the_file) {
  auto capturing = plan("out");
  capturing.capture_max = 1000;
  capturing.strip_ansi = true;
  auto out = attach(1, Channel::out, std::move(capturing));
  write(out, "a<!--XSUPERVISOR:BEGIN-->in\x1b[0mside<!--XSUPERVISOR:END-->b <!--X");
  wait_for(Kind::captured);
  EXPECT_EQ(seen.back().bytes, "inside");
  pump.drain(1);
  wait_for(Kind::drained);
  EXPECT_EQ(folder.get("out"), "ab <!--X");
}

TEST_F(PumpTest, a_reader_that_does_not_collect_reports_stops_the_flood_not_the_others) {
  auto reported = plan("");
  reported.events = true;
  auto flood = attach(1, Channel::out, std::move(reported));
  constexpr std::size_t amount = std::size_t{32} << 20;
  std::thread writer([&] {
    const std::string text(65536, 'x');
    for (std::size_t i = 0; i < amount / text.size(); ++i)
      write(flood, text);
    flood.reset();
  });
  auto quiet = attach(2, Channel::out, plan("quiet"));
  write(quiet, "still carried");
  while (folder.get("quiet").empty())
    std::this_thread::yield();
  wait_for(Kind::closed);
  writer.join();
  EXPECT_EQ(all(Kind::data).size(), amount);
  EXPECT_EQ(folder.get("quiet"), "still carried");
}

TEST_F(PumpTest, a_parked_flood_can_be_drained) {
  auto reported = plan("");
  reported.events = true;
  auto flood = attach(1, Channel::out, std::move(reported));
  std::thread writer([&] {
    ::signal(SIGPIPE, SIG_IGN);
    const std::string text(65536, 'x');
    while (::write(flood.get(), text.data(), text.size()) > 0) {
    }
  });
  pump.drain(1);
  writer.join();
  wait_for(Kind::drained);
}

TEST_F(PumpTest, reopen_begins_a_new_file_by_name) {
  const auto out = attach(1, Channel::out, plan("out"));
  std::filesystem::rename(folder.path("out"), folder.path("moved"));
  pump.reopen(1);
  pump.clear(2);
  wait_for(Kind::cleared, 2);  // commands are obeyed in order
  write(out, "new");
  pump.drain(1);
  wait_for(Kind::drained);
  EXPECT_EQ(folder.get("moved"), "");
  EXPECT_EQ(folder.get("out"), "new");
}

TEST_F(PumpTest, clear_works_while_the_pipe_is_open_and_after_its_end) {
  auto both = plan("out");
  both.events = true;
  auto out = attach(1, Channel::out, std::move(both));
  write(out, "old");
  wait_for(Kind::data);
  pump.clear(1);
  wait_for(Kind::cleared);
  EXPECT_EQ(seen.back().code, 0);
  EXPECT_EQ(folder.get("out"), "");
  write(out, "newer");
  out.reset();
  wait_for(Kind::closed);
  EXPECT_EQ(folder.get("out"), "newer");
  pump.clear(1);
  wait_for(Kind::cleared);
  EXPECT_EQ(folder.get("out"), "");
}

TEST_F(PumpTest, a_full_disk_is_reported_and_loses_no_process) {
  auto full = plan("");
  full.name = "hungry";
  full.file = RotatingFile::open({"/dev/full", 0, 0}).value();
  auto out = attach(1, Channel::out, std::move(full));
  write(out, "0123456789");
  wait_for(Kind::problem);
  EXPECT_EQ(seen.back().bytes,
            "could not write the stdout log of 'hungry': write /dev/full: No space left on device (bytes lost: 10)");
  EXPECT_EQ(seen.back().level, Level::error);
  for (int i = 0; i < 100; ++i)
    write(out, "x");
  out.reset();
  wait_for(Kind::closed);
  EXPECT_EQ(count(Kind::problem), 2);  // and no hundred of them
  EXPECT_THAT(all(Kind::problem), HasSubstr("bytes lost since the last message: 100"));
}

TEST_F(PumpTest, a_target_that_cannot_be_rotated_is_mentioned_once) {
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  for (int life = 0; life < 3; ++life) {
    auto special = plan("");
    special.file = RotatingFile::open({folder.path("fifo"), 1000, 3}).value();
    const auto out = attach(1, Channel::out, std::move(special));
    pump.drain(1);
    wait_for(Kind::drained);
  }
  EXPECT_EQ(count(Kind::problem), 1);
  EXPECT_EQ(all(Kind::problem),
            folder.path("fifo") + " cannot be rotated since it is no regular file; stdout_logfile_maxbytes is ignored");
}

TEST_F(PumpTest, lines_go_to_syslog_with_the_name_of_the_process) {
  const UniqueFd server(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path("syslog");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  auto with_syslog = plan("out");
  with_syslog.syslog = true;
  auto out = attach(1, Channel::out, std::move(with_syslog));
  write(out, "one\nla");
  write(out, "st");
  out.reset();
  wait_for(Kind::closed);
  const auto receive = [&] {
    char text[1000];
    const ssize_t n = ::recv(server.get(), text, sizeof text, 0);
    return std::string(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  };
  EXPECT_THAT(receive(), testing::EndsWith("supervisord: cat one"));
  EXPECT_THAT(receive(), testing::EndsWith("supervisord: cat last"));
  EXPECT_EQ(folder.get("out"), "one\nlast");
}

TEST_F(PumpTest, carries_very_many_channels) {
  std::vector<UniqueFd> outs;
  for (ProcessId id = 1; id <= 200; ++id)
    outs.push_back(attach(id, Channel::out, plan("log" + std::to_string(id))));
  for (int round = 0; round < 20; ++round) {
    for (const auto& out : outs)
      write(out, "0123456789");
  }
  for (ProcessId id = 1; id <= 200; ++id) {
    pump.drain(id);
    wait_for(Kind::drained, id);
    ASSERT_EQ(folder.get("log" + std::to_string(id)).size(), 200U);
  }
}

TEST(PumpEnd, writes_what_is_readable_and_leaves_the_rest_in_peace) {
  TestFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[1]);
  {
    Pump pump;
    ChannelPlan plan;
    plan.file = RotatingFile::open({folder.path("out"), 0, 0}).value();
    pump.attach(1, Channel::out, UniqueFd(ends[0]), std::move(plan));
    ASSERT_EQ(::write(out.get(), "last words", 10), 10);
  }
  EXPECT_EQ(folder.get("out"), "last words");
}

}  // namespace
}  // namespace sup::logs
