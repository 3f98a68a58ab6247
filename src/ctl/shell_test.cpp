#include "ctl/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/commands.h"
#include "ctl/complete.h"
#include "ctl/testing.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using testing::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::process;
using ::testing::StartsWith;

TEST(ParseLine, TakesTheLeadingWordCharactersAsCommand) {
  EXPECT_EQ(parse_line("  stop:foo bar \n").command, "stop");
  EXPECT_EQ(parse_line("  stop:foo bar \n").arguments, ":foo bar");
  EXPECT_EQ(parse_line("?start").text, "help start");
  EXPECT_EQ(parse_line("? start").arguments, "start");
  EXPECT_EQ(parse_line("!ls").command, "");
  EXPECT_EQ(parse_line(" \t ").text, "");
}

TEST(Execute, UnknownCommandsAreShownTrimmed) {
  Bench bench;
  EXPECT_EQ(bench.run("  bogus arg "), "*** Unknown syntax: bogus arg\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_EQ(bench.run("!ls"), "*** Unknown syntax: !ls\n");
  EXPECT_EQ(bench.run("STATUS"), "*** Unknown syntax: STATUS\n");
}

TEST(Execute, NothingTypedDoesNothing) {
  Bench bench;
  EXPECT_EQ(bench.run("  "), "");
  EXPECT_EQ(bench.status, 0);
}

TEST(Execute, EveryCommandStartsWithAFreshConnection) {
  Bench bench;
  const int before = bench.remote.connections;
  bench.run("pid");
  EXPECT_EQ(bench.remote.connections, before + 2);  // the session's, then the command's
}

TEST(Execute, WithoutAPersonARefusalOfCredentialsIsShownAfterASecondTry) {
  Bench bench;
  bench.remote.answers["getVersion"] = {bad_status(401, "Unauthorized")};
  EXPECT_EQ(bench.run("status"),
            "Server requires authentication\nerror: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for "
            "127.0.0.1/RPC2: 401 Unauthorized>: file: supervisorctl line: 1\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Execute, APersonIsAskedForCredentialsUntilTheyAreRight) {
  Bench bench;
  bench.interactive = true;
  bench.terminal.input = {"bob", "wrong", "bob", "right"};
  bench.remote.answers["getPID"] = {bad_status(401, "Unauthorized"), bad_status(401, "Unauthorized"), api::Value(5)};
  EXPECT_EQ(bench.run("pid"),
            "Server requires authentication\nUsername:Password:\nServer requires "
            "authentication\nUsername:Password:\n5\n");
  EXPECT_EQ(bench.remote.server.username, "bob");
  EXPECT_EQ(bench.remote.server.password, "right");
  EXPECT_EQ(bench.status, 0);
}

TEST(Execute, EndOfInputEndsTheQuestionForCredentials) {
  Bench bench;
  bench.interactive = true;
  bench.remote.answers["getVersion"] = {bad_status(401, "Unauthorized")};
  EXPECT_THAT(bench.run("pid"), HasSubstr("Username:error: <class 'EOFError'>, EOF when reading a line: file: "));
}

TEST(Execute, AServerThatCannotBeIsAnError) {
  Bench bench;
  bench.remote.answers["getVersion"] = {bad_status(500, "Internal Server Error")};
  EXPECT_EQ(bench.run("pid"),
            "error: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for 127.0.0.1/RPC2: 500 Internal Server "
            "Error>: file: supervisorctl line: 1\n");
}

std::string session_of(Bench& bench, std::deque<std::string> lines) {
  bench.terminal.input = std::move(lines);
  Session session(bench.remote, bench.terminal, {"unix:///s", {}, {}}, true);
  run_shell(session, "sup> ", [] {});
  return bench.terminal.out;
}

TEST(Shell, ShowsTheStatusThenReadsUntilTheEnd) {
  Bench bench;
  bench.remote.answer("getAllProcessInfo", api::Array{process("a", "a", 20, "RUNNING", "x")});
  EXPECT_EQ(session_of(bench, {"", "bogus"}),
            "a                                RUNNING   x\nsup> sup> *** Unknown syntax: bogus\nsup> \n");
}

TEST(Shell, LeavesAtQuitExitAndEof) {
  for (const char* line : {"quit", "exit now", "EOF"}) {
    Bench bench;
    EXPECT_EQ(session_of(bench, {line, "pid"}), "sup> \n");
  }
}

TEST(Help, ListsTheCommandsInColumns) {
  Bench bench;
  EXPECT_EQ(bench.run("help"),
            "\ndefault commands (type help <topic>):\n=====================================\n"
            "add    exit      open  reload  restart   start   tail   \n"
            "avail  fg        pid   remove  shutdown  status  update \n"
            "clear  maintail  quit  reread  signal    stop    version\n\n");
}

TEST(Help, OfACommandNeedsNoDaemon) {
  Bench bench;
  EXPECT_EQ(bench.run("help shutdown"), "shutdown \tShut the remote supervisord down.\n");
  EXPECT_EQ(bench.run("?help"), "help\t\tPrint a list of available actions\nhelp <action>\tPrint help for <action>\n");
  EXPECT_EQ(bench.run("help EOF"), "*** No help on EOF\n");
  EXPECT_EQ(bench.run("help start stop"), "*** No help on start stop\n");
  EXPECT_EQ(bench.status, 0);
  EXPECT_TRUE(bench.remote.log.empty());
}

TEST(Help, EveryListedCommandHasOne) {
  for (const Command& command : commands()) {
    EXPECT_NE(command.run, nullptr) << command.name;
    EXPECT_TRUE(!command.listed || !command.help.empty()) << command.name;
  }
}

struct Completing : ::testing::Test {
  Bench bench;
  Session session{bench.remote, bench.terminal, {"unix:///s", {}, {}}, true};
  Completer completer{session};
  Completing() {
    bench.remote.answer("getAllProcessInfo",
                        api::Array{process("cat", "cat", 20, "RUNNING", ""), process("grp", "a", 20, "RUNNING", ""),
                                   process("grp", "b", 20, "RUNNING", "")});
  }
  std::vector<std::string> of(std::string_view line) {
    return completer.candidates(line, line.substr(word_start(line)));
  }
};

TEST_F(Completing, TheFirstWordIsACommand) {
  EXPECT_THAT(of("sta"), ElementsAre("start ", "status "));
  EXPECT_THAT(of("help re"), ElementsAre("reload ", "remove ", "reread ", "restart "));
  EXPECT_EQ(of("").size(), 22u);  // 21 commands and help
}

TEST_F(Completing, ProcessesAndGroupsAreOfferedWhereTheyFit) {
  EXPECT_THAT(of("start "), ElementsAre("cat ", "grp:a ", "grp:* ", "grp:b "));
  EXPECT_THAT(of("stop grp:"), ElementsAre("grp:a ", "grp:* ", "grp:b "));
  EXPECT_THAT(of("stop cat:"), ElementsAre("cat:cat ", "cat:* "));
  EXPECT_THAT(of("update "), ElementsAre("cat ", "grp "));
  EXPECT_THAT(of("avail "), ElementsAre());
}

TEST_F(Completing, ProcessesAreAskedForOnceUntilForgotten) {
  of("start ");
  of("stop ");
  EXPECT_THAT(bench.remote.log, ElementsAre("getAllProcessInfo"));
  completer.forget();
  of("start ");
  EXPECT_EQ(bench.remote.log.size(), 2u);
}

}  // namespace
}  // namespace sup::ctl
