#include "engine/fastcgi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "engine/test_surroundings.h"
#include "support/test_folder.h"

namespace sup::engine {
namespace {

using process::State;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

std::vector<std::string> socket_lines(const World& world) {
  std::vector<std::string> lines;
  std::ranges::copy_if(world.log.lines, std::back_inserter(lines),
                       [](const std::string& line) { return line.find(" socket ") != line.npos; });
  return lines;
}

TEST(EngineFastCgi, ASocketIsTriedWhenItsGroupComes) {
  World world;
  world.add({.name = "f", .sockets = {"/s", "/s"}});
  EXPECT_THAT(socket_lines(world), ElementsAre("INFO Creating socket unix:///s", "INFO Closing socket unix:///s"));
  EXPECT_THAT(world.children.held, IsEmpty());
}

TEST(EngineFastCgi, ProcessesOfAGroupShareOneSocketAsLongAsOneOfThemLives) {
  World world;
  world.add({.name = "f", .sockets = {"/s", "/s"}});
  world.log.lines.clear();
  world.run("f_0");
  world.run("f_1");
  EXPECT_THAT(socket_lines(world), ElementsAre("INFO Creating socket unix:///s"));
  ASSERT_EQ(world.children.sockets.size(), 2U);
  EXPECT_GE(world.children.sockets[0], 0);
  EXPECT_EQ(world.children.sockets[0], world.children.sockets[1]);
  EXPECT_TRUE(world.children.plans[0].stdin_from_socket);
  for (const char* name : {"f_0", "f_1"}) {
    world.engine.stop(world.entry(name), false, [](Answer) {});
    world.exit_and_drain(name, SIGTERM);
  }
  EXPECT_EQ(world.log.lines.end()[-2], "WARN stopped: f_1 (terminated by SIGTERM)");
  EXPECT_EQ(world.log.lines.end()[-1], "INFO Closing socket unix:///s");
  EXPECT_THAT(world.children.held, IsEmpty());
  EXPECT_THAT(world.files.removed, IsEmpty());
}

TEST(EngineFastCgi, EachUrlHasItsOwnSocketAndOthersHaveNone) {
  World world;
  world.add({.name = "f", .sockets = {"/a", "/b"}});
  world.add({.name = "plain"});
  world.run("f_0");
  world.run("f_1");
  world.run("plain");
  EXPECT_THAT(world.children.held, testing::SizeIs(2));
  EXPECT_EQ(world.children.sockets[2], -1);
  EXPECT_FALSE(world.children.plans[2].stdin_from_socket);
}

TEST(EngineFastCgi, ASocketThatCannotBeMadeIsASpawnErrorAndNothingElse) {
  World world;
  world.files.listen_error = EACCES;
  world.add({.name = "f", .startretries = 0, .sockets = {"/s"}});
  EXPECT_THAT(world.log.lines, Contains("ERRO Could not create FastCGI socket unix:///s: [Errno 13] Permission denied"));
  world.start("f_0");
  EXPECT_THAT(world.log.lines,
              Contains("INFO spawnerr: Could not create FastCGI socket unix:///s: [Errno 13] Permission denied"));
  world.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(world.state("f_0"), State::fatal);
  EXPECT_THAT(world.children.plans, IsEmpty());
}

TEST(EngineFastCgi, AStartThatFailsGivesTheSocketBack) {
  World world;
  world.add({.name = "f", .command = "nosuch", .sockets = {"/s"}});
  world.add({.name = "g", .sockets = {"/t"}});
  world.log.lines.clear();
  world.start("f_0");
  EXPECT_THAT(world.log.lines, ElementsAre("INFO Creating socket unix:///s", "INFO spawnerr: can't find command 'nosuch'",
                                           "INFO Closing socket unix:///s"));
  world.engine.start(world.entry("g_0"), false, [](Answer) {});
  EXPECT_THAT(world.children.held, testing::SizeIs(1));
  world.children.fail_spawns({keeper::SpawnStage::fork, EAGAIN});
  EXPECT_THAT(world.children.held, IsEmpty());
}

TEST(EngineFastCgi, ASuccessorKeepsTheSocketForThoseThatRun) {
  World before;
  before.add({.name = "f", .sockets = {"/s", "/s"}});
  before.run("f_0");
  before.engine.save_session();
  World after;
  after.clock = before.clock;
  after.take_over(before);
  after.start("f_1");
  EXPECT_THAT(after.files.listening, IsEmpty());
  EXPECT_GE(after.children.sockets.at(0), 0);
  for (const char* name : {"f_0", "f_1"}) {
    after.engine.stop(after.entry(name), false, [](Answer) {});
    after.exit_and_drain(name, SIGTERM);
  }
  EXPECT_THAT(socket_lines(after), ElementsAre("INFO Closing socket unix:///s"));
}

TEST(EngineFastCgi, TheFileGoesWithTheDaemon) {
  World world;
  world.add({.name = "f", .sockets = {"/s"}});
  world.engine.forget_all();
  EXPECT_THAT(world.files.removed, ElementsAre("/s"));
}

TEST(EngineFastCgi, ItsStandardInputCannotBeWrittenTo) {
  World world;
  world.add({.name = "f", .sockets = {"/s"}});
  world.run("f_0");
  int code = 0;
  world.engine.send_input(world.entry("f_0"), "x", [&code](const Result<>& written) { code = written.error().code; });
  EXPECT_EQ(code, EPIPE);
  EXPECT_THAT(world.children.lent, testing::IsEmpty());
}

// ---- the real sockets

class FastCgiSockets : public testing::Test {
 protected:
  FastCgiSockets() {
    socket.is_unix = true;
    socket.path = folder.path("s");
    socket.url = "unix://" + socket.path;
  }

  static mode_t mode(const std::string& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 ? status.st_mode : 0;
  }

  test::TestFolder folder;
  config::FcgiSocket socket;
  SystemFiles files;
};

TEST_F(FastCgiSockets, AUnixSocketListensAndIsItsOwnersAlone) {
  const auto fd = files.listen(socket);
  ASSERT_TRUE(fd) << fd.error().text;
  int listening = 0;
  socklen_t size = sizeof listening;
  ASSERT_EQ(getsockopt(fd->get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), 0);
  EXPECT_EQ(listening, 1);
  EXPECT_EQ(mode(socket.path), S_IFSOCK | 0700U);
  files.remove_socket(socket.path);
  EXPECT_EQ(mode(socket.path), 0U);
}

TEST_F(FastCgiSockets, WhatWasLeftThereMakesRoom) {
  ASSERT_TRUE(files.listen(socket));
  socket.mode = 0600;
  const auto again = files.listen(socket);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(mode(socket.path), S_IFSOCK | 0600U);
}

TEST_F(FastCgiSockets, AFileThatHoldsSomethingIsLeftAlone) {
  folder.put("s", "precious");
  const auto fd = files.listen(socket);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().text, "[Errno 98] Address already in use");
  files.remove_socket(socket.path);
  EXPECT_EQ(std::filesystem::file_size(socket.path), 8U);
}

TEST_F(FastCgiSockets, FailuresHavePythonsWords) {
  socket.path = folder.path("none/s");
  EXPECT_EQ(files.listen(socket).error().text, "[Errno 2] No such file or directory");
  socket.path = std::string(200, 'x');
  EXPECT_EQ(files.listen(socket).error().text, "AF_UNIX path too long");
}

TEST_F(FastCgiSockets, ATcpPortListens) {
  config::FcgiSocket tcp;
  tcp.host = "127.0.0.1";
  EXPECT_TRUE(files.listen(tcp));
  tcp.host = "no.such.host.invalid";
  EXPECT_THAT(files.listen(tcp).error().text, testing::StartsWith("[Errno -"));
}

}  // namespace
}  // namespace sup::engine
