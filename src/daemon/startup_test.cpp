#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/check.h"
#include "daemon/snapshot.h"
#include "daemon/startup.h"

namespace sup::daemon {
namespace {

using testing::ElementsAre;

TEST(ChildLogs, AreKnownByTheIdentifierInTheirName) {
  EXPECT_TRUE(is_child_log("cat-stdout---supervisor-xs6bg9ow.log", "supervisor"));
  EXPECT_TRUE(is_child_log("cat-stdout---supervisor-xs6bg9ow.log.1", "supervisor"));
  EXPECT_TRUE(is_child_log("a---b---supervisor-x.log", "supervisor"));
  EXPECT_FALSE(is_child_log("cat-stdout---other-xs6bg9ow.log", "supervisor"));
  EXPECT_FALSE(is_child_log("---supervisor-xs6bg9ow.log", "supervisor"));
  EXPECT_FALSE(is_child_log("cat-stdout---supervisor-.log", "supervisor"));
  EXPECT_FALSE(is_child_log("cat-stdout---supervisor-a b.log", "supervisor"));
  EXPECT_FALSE(is_child_log("supervisord.log", "supervisor"));
}

TEST(ServerUrl, IsTheFirstUnixSocketElseTheFirstPort) {
  config::Config config;
  EXPECT_EQ(server_url(config), "");
  config.inet_servers.push_back({"inet_http_server", "", 9001, {}, {}, {}, {}});
  EXPECT_EQ(server_url(config), "http://localhost:9001");
  config.inet_servers[0].host = "10.0.0.1";
  EXPECT_EQ(server_url(config), "http://10.0.0.1:9001");
  config::UnixServer server;
  server.path = "/run/s.sock";
  config.unix_servers.push_back(server);
  EXPECT_EQ(server_url(config), "unix:///run/s.sock");
}

TEST(Limits, AreRaisedToTheMinimumAndNeverLowered) {
  constexpr rlim_t none = RLIM_INFINITY;
  struct Case {
    os::Limit now;
    long long minimum;
    std::optional<os::Limit> then;
  };
  for (const Case& each : {Case{{300, 2000}, 700, os::Limit{700, 2000}}, Case{{300, 500}, 700, os::Limit{700, 700}},
                           Case{{300, none}, 700, os::Limit{700, none}}, Case{{700, 700}, 700, std::nullopt},
                           Case{{none, none}, 700, std::nullopt}, Case{{0, 0}, -1, std::nullopt}}) {
    EXPECT_EQ(raised(each.now, each.minimum), each.then) << each.now.soft << ' ' << each.now.hard;
  }
}

TEST(Capacity, CountsWhatEachProgramTakes) {
  const auto needed = [](bool redirect, config::LogTarget::Kind out, config::LogTarget::Kind err) {
    config::ProgramOptions program;
    program.redirect_stderr = redirect;
    config::InstanceOptions instance;
    instance.out.kind = out;
    instance.err.kind = err;
    const config::Process process{"x", std::make_shared<const config::ProgramOptions>(program),
                                  std::make_shared<const config::InstanceOptions>(instance), {}};
    config::Config config;
    const long long without = descriptors_needed(config);
    config::Group group;
    group.processes = {process, process, process};
    config.groups.push_back(std::make_shared<const config::Group>(group));
    return (descriptors_needed(config) - without) / 3;
  };
  using enum config::LogTarget::Kind;
  EXPECT_EQ(needed(false, automatic, file), 4);  // a pipe and a log for each channel
  EXPECT_EQ(needed(true, file, none), 2);
  EXPECT_EQ(needed(true, none, none), 2);  // the keeper has two pipes
  EXPECT_EQ(needed(false, file, none), 3);
}

struct ListLog final : Log {
  std::vector<std::string> lines;
  void write(Level, std::string_view message) override { lines.emplace_back(message); }
  [[nodiscard]] bool wants(Level) const override { return true; }
};

TEST(EarlyMessages, AreLoggedByGravity) {
  EarlyMessages messages;
  messages.add(Level::info, "i1");
  messages.add(Level::warn, "w");
  messages.add(Level::critical, "c");
  messages.add(Level::info, "i2");
  ListLog log;
  messages.write_to(log);
  EXPECT_THAT(log.lines, ElementsAre("c", "w", "i1", "i2"));
}

TEST(Snapshot, ComesBackByteForByte) {
  const Snapshot snapshot{{"read_file /a", std::string("+[x]\nk=v\0binary", 15)}, {"glob *", std::string("/a\0/b\0", 6)}, {"", ""}};
  const auto fd = write_snapshot(snapshot);
  ASSERT_TRUE(fd);
  const auto back = read_snapshot(fd->get());
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, snapshot);
}

// A system that answers everything, and whose answers change with every question.
struct FickleHost : config::Host {
  mutable int asked = 0;
  std::map<std::string, std::string> variables;
  [[nodiscard]] std::string next() const { return std::to_string(++asked); }
  [[nodiscard]] Result<std::string> read_file(const std::string& path) const override {
    ++asked;
    if (path == "/missing") return fail("open /missing: No such file or directory", 2);
    return "text " + std::to_string(asked);
  }
  [[nodiscard]] std::vector<std::string> glob(const std::string&) const override { return {next(), "x"}; }
  [[nodiscard]] bool exists(const std::string&) const override { return ++asked % 2 == 0; }
  [[nodiscard]] bool is_directory(const std::string&) const override { return ++asked % 2 == 0; }
  [[nodiscard]] std::string working_directory() const override { return next(); }
  [[nodiscard]] std::string host_name() const override { return next(); }
  [[nodiscard]] std::string home() const override { return next(); }
  [[nodiscard]] std::string home_of(const std::string&) const override { return next(); }
  [[nodiscard]] std::optional<std::uint32_t> uid_of(const std::string&) const override { return ++asked; }
  [[nodiscard]] bool uid_exists(std::uint32_t) const override { return ++asked % 2 == 0; }
  [[nodiscard]] std::optional<std::uint32_t> gid_of(const std::string&) const override { return std::nullopt; }
  [[nodiscard]] bool gid_exists(std::uint32_t) const override { return ++asked % 2 == 0; }
  [[nodiscard]] std::optional<std::uint32_t> primary_gid(std::uint32_t) const override { return ++asked; }
  [[nodiscard]] std::uint32_t uid() const override { return static_cast<std::uint32_t>(++asked); }
  [[nodiscard]] std::vector<std::string> temporary_directories() const override { return {next()}; }
  [[nodiscard]] const std::map<std::string, std::string>& environment() const override { return variables; }
};

TEST(Snapshot, ReplaysEveryAnswerWhateverTheSystemSaysNow) {
  const FickleHost system;
  const RecordingHost recorder(system);
  const auto text = *recorder.read_file("/a");
  const auto missing = recorder.read_file("/missing").error();
  const auto found = recorder.glob("/*");
  const auto uid = recorder.uid_of("u");
  const auto directory = recorder.is_directory("/d");
  const int asked = system.asked;
  const ReplayHost replay(system, recorder.snapshot());
  EXPECT_EQ(*replay.read_file("/a"), text);
  EXPECT_EQ(replay.read_file("/missing").error().code, missing.code);
  EXPECT_EQ(replay.read_file("/missing").error().text, missing.text);
  EXPECT_EQ(replay.glob("/*"), found);
  EXPECT_EQ(replay.uid_of("u"), uid);
  EXPECT_EQ(replay.is_directory("/d"), directory);
  EXPECT_EQ(system.asked, asked);
  EXPECT_NE(replay.home(), replay.home_of("x"));
  EXPECT_FALSE(replay.gid_of("g"));
  EXPECT_GT(system.asked, asked);
}

}  // namespace
}  // namespace sup::daemon
