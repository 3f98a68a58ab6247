// Pumps in processes that are killed or leave, and their successors. This process plays the keeper.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>
#include <random>

#include "logs/pump.h"
#include "logs/test_files.h"
#include "logs/test_pipes.h"
#include "logs/transit.h"

namespace sup::logs {
namespace {

// Runs `body` in a process of its own.
pid_t run(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGPIPE, SIG_IGN);
    body();
    ::_exit(0);
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

// ---- killed within a call to the disk

// The disk of a process that is killed at its `fatal`th call.
struct FatalFiles final : Files {
  explicit FatalFiles(int fatal) : calls(fatal) {}
  mutable int calls;
  std::size_t partly = 0;  // bytes that a fatal write still writes
  bool behind = false;     // the call is done before the end

  void strike() const {
    if (--calls == 0) ::kill(::getpid(), SIGKILL);
  }
  ssize_t write(int fd, const void* bytes, std::size_t size) const override {
    if (calls == 1 && !behind) static_cast<void>(Files::write(fd, bytes, std::min(partly, size)));
    if (!behind) strike();
    const ssize_t n = Files::write(fd, bytes, size);
    if (behind) strike();
    return n;
  }
  int rename(const char* from, const char* to) const override {
    if (!behind) strike();
    const int result = Files::rename(from, to);
    if (behind) strike();
    return result;
  }
};

struct LogKind {
  bool strip = false;
  long long capture = 0;
  long long max_bytes = 0;
  long long backups = 0;
};

// A manager that takes over, carries one channel to its end and leaves.
void carry(Held& held, int pipe, const std::string& path, const LogKind& kind, const Files& files = real_files()) {
  Pump pump("/nonexistent");
  if (!pump.take_over(held)) ::_exit(3);
  ChannelPlan plan;
  plan.name = "cat";
  plan.strip_ansi = kind.strip;
  plan.capture_max = kind.capture;
  auto file = RotatingFile::open({path, kind.max_bytes, kind.backups}, files);
  if (!file) ::_exit(4);
  plan.file = std::move(*file);
  pump.attach(1, Channel::out, copy(pipe), std::move(plan));
  pump.go_on();
  for (;;) {
    pollfd request{pump.fd(), POLLIN, 0};
    ::poll(&request, 1, -1);
    for (const Report& report : pump.reports()) {
      if (report.kind == Report::Kind::closed) return;
    }
  }
}

struct Killed : testing::Test {
  TestFolder folder;
  Transit transit;
  Held held = held_of(transit.heirlooms());

  // A manager that is killed at that call, and one that is not. The number of kills.
  int lives(const Pipe& pipe, const LogKind& kind, const FatalFiles& files) {
    const auto life = [&](const Files& disk) {
      return wait_for(run([&] { carry(held, pipe.out.get(), folder.path("out"), kind, disk); }));
    };
    const bool killed = WIFSIGNALED(life(files));
    EXPECT_EQ(life(real_files()), 0);
    return killed ? 1 : 0;
  }
};

TEST_F(Killed, a_write_that_was_not_begun_not_ended_or_not_noted_is_made_whole) {
  for (const std::size_t partly : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{9999}}) {
    for (const bool behind : {false, true}) {
      std::filesystem::remove(folder.path("out"));
      folder.put("out", "before\n");
      Pipe pipe;
      std::string expected;
      for (int i = 0; i < 1000; ++i)
        expected += std::to_string(10000000 + i) + "\n";
      put(pipe.in, expected);
      pipe.in.reset();
      FatalFiles files(1);
      files.partly = partly;
      files.behind = behind;
      EXPECT_EQ(lives(pipe, {}, files), 1);
      EXPECT_TRUE(folder.get("out") == "before\n" + expected) << partly << behind;
    }
  }
}

TEST_F(Killed, what_is_held_back_and_what_is_stripped_is_neither_lost_nor_repeated) {
  const std::string text = "one \x1b[1mtwo <!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END--> three\n<!--XSUPER";
  int kills = 0;
  for (int call = 1; call < 12; ++call) {
    for (std::size_t cut = 1; cut < text.size(); cut += 5) {
      std::filesystem::remove(folder.path("out"));
      Pipe pipe;
      FatalFiles files(call);
      files.partly = 2;
      files.behind = call % 2 == 0;
      // Two pieces that the pump reads one after the other: the second comes when the first is written, or after all.
      const pid_t first = run([&] {
        pipe.in.reset();
        carry(held, pipe.out.get(), folder.path("out"), {true, 1000, 0, 0}, files);
      });
      put(pipe.in, std::string_view(text).substr(0, cut));
      for (int left = 1; left > 0;)
        ASSERT_EQ(::ioctl(pipe.out.get(), FIONREAD, &left), 0);
      put(pipe.in, std::string_view(text).substr(cut));
      pipe.in.reset();
      kills += WIFSIGNALED(wait_for(first)) ? 1 : 0;
      EXPECT_EQ(wait_for(run([&] { carry(held, pipe.out.get(), folder.path("out"), {true, 1000, 0, 0}); })), 0);
      EXPECT_EQ(folder.get("out"), "one two  three\n<!--XSUPER") << "call " << call << ", cut " << cut;
    }
  }
  EXPECT_GT(kills, 30);
}

TEST_F(Killed, a_rotation_is_ended_and_costs_no_backup) {
  for (int call = 1; call <= 6; ++call) {
    for (const bool behind : {false, true}) {
      folder.put("out", "base");
      for (int i = 1; i <= 4; ++i)
        folder.put("out." + std::to_string(i), std::to_string(i));
      Pipe pipe;
      put(pipe.in, "+more");
      pipe.in.reset();
      FatalFiles files(call);
      files.behind = behind;
      EXPECT_EQ(lives(pipe, {.max_bytes = 9, .backups = 4}, files), call <= 5 ? 1 : 0);
      EXPECT_EQ(folder.get("out"), "") << call << behind;
      EXPECT_EQ(folder.get("out.1"), "base+more") << call << behind;
      EXPECT_EQ(folder.get("out.2"), "1") << call << behind;
      EXPECT_EQ(folder.get("out.3"), "2") << call << behind;
      EXPECT_EQ(folder.get("out.4"), "3") << call << behind;
    }
  }
}

TEST_F(Killed, a_log_that_was_moved_meanwhile_is_found_and_one_that_was_removed_is_begun_anew) {
  for (const bool removed : {false, true}) {
    folder.put("out", "old");
    std::filesystem::remove(folder.path("moved"));
    Pipe pipe;
    put(pipe.in, "0123456789");
    pipe.in.reset();
    FatalFiles files(1);
    files.partly = 4;
    EXPECT_TRUE(WIFSIGNALED(wait_for(run([&] { carry(held, pipe.out.get(), folder.path("out"), {}, files); }))));
    if (removed) {
      std::filesystem::remove(folder.path("out"));
    } else {
      std::filesystem::rename(folder.path("out"), folder.path("moved"));
    }
    EXPECT_EQ(wait_for(run([&] { carry(held, pipe.out.get(), folder.path("out"), {}); })), 0);
    EXPECT_EQ(folder.get("out"), removed ? "0123456789" : "456789");
    EXPECT_EQ(folder.get("moved"), removed ? "(missing)" : "old0123");
  }
}

TEST_F(Killed, what_may_have_gone_to_a_named_pipe_is_not_repeated) {
  ASSERT_EQ(::mkfifo(folder.path("out").c_str(), 0600), 0);
  const UniqueFd reader(::open(folder.path("out").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  Pipe pipe;
  put(pipe.in, "once");
  pipe.in.reset();
  FatalFiles files(1);
  files.behind = true;
  EXPECT_EQ(lives(pipe, {}, files), 1);
  char text[100];
  EXPECT_EQ(::read(reader.get(), text, sizeof text), 4);
}

// ---- leaving in good order

struct Leaving : Killed {
  static ChannelPlan plan(const std::string& path, const Files& files = real_files()) {
    ChannelPlan plan;
    plan.name = "cat";
    plan.strip_ansi = true;
    plan.file = *RotatingFile::open({path, 0, 0}, files);
    return plan;
  }
  static void wait_until_read(const Pipe& pipe) {
    for (int left = 1; left > 0;)
      ASSERT_EQ(::ioctl(pipe.out.get(), FIONREAD, &left), 0);
  }
};

TEST_F(Leaving, nothing_is_on_its_way_and_what_a_filter_holds_back_stays_with_it) {
  Pipe pipe;
  Pump first("/nonexistent");
  Held heirlooms = held_of(first.heirlooms());
  first.attach(1, Channel::out, copy(pipe.out.get()), plan(folder.path("out")));
  put(pipe.in, "one\x1b[");
  wait_until_read(pipe);
  EXPECT_TRUE(first.leave(Seconds(10)));
  EXPECT_EQ(folder.get("out"), "one");
  put(pipe.in, "1mtwo");
  Held again = held_of(first.heirlooms());
  const auto left = Transit::inherit(again);
  ASSERT_NE(left, nullptr);
  EXPECT_FALSE(left->left());

  Pump second("/nonexistent");
  ASSERT_TRUE(second.take_over(heirlooms));
  second.attach(1, Channel::out, copy(pipe.out.get()), plan(folder.path("out")));
  second.go_on();
  wait_until_read(pipe);
  EXPECT_TRUE(second.leave(Seconds(10)));
  EXPECT_EQ(folder.get("out"), "onetwo");
}

TEST_F(Leaving, a_stalled_disk_holds_nobody_up) {
  struct StalledFiles final : Files {
    ssize_t write(int, const void*, std::size_t) const override { return ::pause(); }
  };
  const int status = wait_for(run([&] {
    const StalledFiles disk;
    Pipe pipe;
    Pump pump("/nonexistent");
    pump.attach(1, Channel::out, copy(pipe.out.get()), plan(folder.path("out"), disk));
    put(pipe.in, "x");
    wait_until_read(pipe);
    ::_exit(pump.leave(std::chrono::milliseconds(50)) ? 1 : 0);
  }));
  EXPECT_EQ(status, 0);
}

// ---- killed at any instant

// A writer of `lines` numbered lines on two channels' worth of pipes, and managers that live for a random time each.
void soak(const LogKind& kind, int wanted_kills, unsigned seed) {
  TestFolder folder;
  Transit transit;
  Held held = held_of(transit.heirlooms());
  Pipe pipe;
  Pipe stop;
  const pid_t writer = run([&] {
    std::mt19937 random(seed);
    int line = 0;
    pollfd ended{stop.out.get(), POLLIN, 0};
    while (::poll(&ended, 1, 0) == 0) {
      std::string text;
      for (auto count = random() % 400; count-- > 0;)
        text += std::to_string(100000000 + line++) + (kind.strip ? "\x1b[0m\n" : "\n");
      for (std::string_view rest = text; !rest.empty();) {
        const ssize_t n = ::write(pipe.in.get(), rest.data(), std::min<std::size_t>(rest.size(), random() % 9000 + 1));
        if (n < 0) ::_exit(1);
        rest.remove_prefix(static_cast<std::size_t>(n));
      }
    }
    ::_exit(0);
  });
  pipe.in.reset();
  std::mt19937 random(seed + 1);
  int kills = 0;
  while (kills < wanted_kills) {
    const pid_t manager = run([&] { carry(held, pipe.out.get(), folder.path("out"), kind); });
    ::usleep(static_cast<useconds_t>(random() % 4000 + 300));
    ::kill(manager, SIGKILL);
    if (WIFSIGNALED(wait_for(manager))) ++kills;
  }
  put(stop.in, "!");
  const pid_t last = run([&] { carry(held, pipe.out.get(), folder.path("out"), kind); });
  EXPECT_EQ(wait_for(writer), 0);
  EXPECT_EQ(wait_for(last), 0);
  std::string all;
  for (int i = 10000; i > 0; --i) {
    const std::string name = "out." + std::to_string(i);
    if (folder.has(name)) all += folder.get(name);
  }
  all += folder.get("out");
  ASSERT_EQ(all.size() % 10, 0U);
  for (std::size_t line = 0; line < all.size() / 10; ++line) {
    ASSERT_EQ(all.substr(line * 10, 10), std::to_string(100000000 + line) + "\n");
  }
  EXPECT_GT(all.size(), 10000U);
}

TEST(KilledAtAnyInstant, every_line_is_there_once) {
  soak({}, 200, 1);
}

TEST(KilledAtAnyInstant, every_line_is_there_once_over_rotations) {
  soak({.max_bytes = 100000, .backups = 10000}, 100, 2);
}

TEST(KilledAtAnyInstant, every_line_is_there_once_behind_a_filter) {
  soak({.strip = true, .capture = 1000}, 100, 3);
}

}  // namespace
}  // namespace sup::logs
