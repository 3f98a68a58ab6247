#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "ctl/testing.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using testing::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::process;
using testing::result;
using ::testing::StartsWith;

api::Value changes(api::Array added, api::Array changed, api::Array removed) {
  return api::Array{api::Value(api::Array{std::move(added), std::move(changed), std::move(removed)})};
}

TEST(Reread, ShowsChangesByName) {
  Bench bench;
  bench.remote.answer("reloadConfig", changes({"z", "b"}, {"a"}, {"m"}));
  EXPECT_EQ(bench.run("reread"), "a: changed\nb: available\nm: disappeared\nz: available\n");
  EXPECT_EQ(bench.status, 0);
}

TEST(Reread, SaysWhenNothingChanged) {
  Bench bench;
  bench.remote.answer("reloadConfig", changes({}, {}, {}));
  EXPECT_EQ(bench.run("reread"), "No config updates to processes\n");
}

TEST(Reread, ShowsWhatIsWrongWithTheFile) {
  Bench bench;
  bench.remote.fault("reloadConfig", FaultCode::cant_reread, "oops");
  EXPECT_EQ(bench.run("reread"), "ERROR: CANT_REREAD: oops\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_EQ(bench.run("update"),
            "error: <class 'xmlrpc.client.Fault'>, <Fault 92: 'CANT_REREAD: oops'>: file: supervisorctl line: 1\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Reread, IsRefusedWhileShuttingDownAndWithArguments) {
  Bench bench;
  bench.remote.fault("reloadConfig", FaultCode::shutdown_state);
  EXPECT_EQ(bench.run("reread"), "ERROR: supervisor shutting down\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_EQ(bench.run("update"), "ERROR: already shutting down\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.run("reread x"), StartsWith("Error: reread accepts no arguments\nreread \t"));
  EXPECT_EQ(bench.status, 1);
}

TEST(Update, RemovesThenReplacesThenAdds) {
  Bench bench;
  bench.remote.answer("reloadConfig", changes({"new"}, {"mod"}, {"old"}));
  bench.remote.answer("stopProcessGroup", api::Array{});
  EXPECT_EQ(bench.run("update"),
            "old: stopped\nold: removed process group\nmod: stopped\nmod: updated process group\n"
            "new: added process group\n");
  EXPECT_EQ(bench.status, 0);
  EXPECT_THAT(bench.remote.log,
              ElementsAre("reloadConfig", "stopProcessGroup old", "removeProcessGroup old", "stopProcessGroup mod",
                          "removeProcessGroup mod", "addProcessGroup mod", "addProcessGroup new"));
}

TEST(Update, KeepsAGroupThatWouldNotStop) {
  Bench bench;
  bench.remote.answer("reloadConfig", changes({}, {}, {"old"}));
  bench.remote.answer("stopProcessGroup", api::Array{result("old", "x", FaultCode::failed)});
  EXPECT_EQ(bench.run("update"), "old: stopped\nold: has problems; not removing\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.remote.log, ElementsAre("reloadConfig", "stopProcessGroup old"));
}

TEST(Update, TouchesOnlyTheGroupsNamedAndReportsUnknownOnes) {
  Bench bench;
  bench.remote.answer("reloadConfig", changes({"a", "b"}, {"c"}, {}));
  bench.remote.answer("getAllProcessInfo", api::Array{process("c", "c", 20, "RUNNING", "")});
  EXPECT_EQ(bench.run("update zzz b zzz c"),
            "ERROR: no such group: zzz\nc: stopped\nc: updated process group\nb: added process group\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Update, AllMeansNoRestriction) {
  Bench bench;
  bench.remote.answer("reloadConfig", changes({"a"}, {}, {}));
  EXPECT_EQ(bench.run("update zzz all"), "a: added process group\n");
  EXPECT_EQ(bench.status, 0);
}

TEST(Add, ReportsEachGroup) {
  Bench bench;
  bench.remote.answer("addProcessGroup", true);
  bench.remote.fault("addProcessGroup", FaultCode::already_added, "b");
  EXPECT_EQ(bench.run("add a b"), "a: added process group\nERROR: process group already active\n");
  EXPECT_EQ(bench.status, 0);
  bench.remote.answers["addProcessGroup"] = {refused(api::make_fault(FaultCode::bad_name))};
  EXPECT_EQ(bench.run("add x"), "ERROR: no such process/group: x\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answers["addProcessGroup"] = {refused(api::make_fault(FaultCode::shutdown_state))};
  EXPECT_EQ(bench.run("add x"), "ERROR: shutting down\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_EQ(bench.run("add"), "");
  EXPECT_EQ(bench.status, 0);
}

TEST(Remove, ReportsEachGroup) {
  Bench bench;
  bench.remote.answer("removeProcessGroup", true);
  bench.remote.fault("removeProcessGroup", FaultCode::still_running, "b");
  bench.remote.fault("removeProcessGroup", FaultCode::bad_name, "c");
  EXPECT_EQ(bench.run("remove a b c"),
            "a: removed process group\nERROR: process/group still running: b\nERROR: no such process/group: c\n");
  EXPECT_EQ(bench.status, 1);
}

TEST(Shutdown, AsksOnlyInTheShell) {
  Bench bench;
  EXPECT_EQ(bench.run("shutdown"), "Shut down\n");
  bench.interactive = true;
  bench.terminal.input = {"no", "Yes"};
  EXPECT_EQ(bench.run("shutdown"), "Really shut the remote supervisord process down y/N? ");
  EXPECT_EQ(bench.run("shutdown"), "Really shut the remote supervisord process down y/N? Shut down\n");
  EXPECT_EQ(bench.run("shutdown"),
            "Really shut the remote supervisord process down y/N? error: <class 'EOFError'>, EOF when reading a line: "
            "file: supervisorctl line: 1\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("shutdown", "shutdown"));
}

TEST(Shutdown, KnowsADaemonThatIsGoneOrGoing) {
  Bench bench;
  bench.remote.fault("shutdown", FaultCode::shutdown_state);
  EXPECT_EQ(bench.run("shutdown"), "ERROR: already shutting down\n");
  EXPECT_EQ(bench.status, 0);
  bench.remote.answers["shutdown"] = {system_failure(ECONNREFUSED)};
  EXPECT_EQ(bench.run("shutdown"), "ERROR: unix:///s refused connection (already shut down?)\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answers["shutdown"] = {system_failure(ENOENT)};
  EXPECT_EQ(bench.run("shutdown"), "ERROR: unix:///s no such file (already shut down?)\n");
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.run("shutdown now"), StartsWith("Error: shutdown accepts no arguments\nshutdown \t"));
}

TEST(Reload, RestartsTheDaemon) {
  Bench bench;
  EXPECT_EQ(bench.run("reload"), "Restarted supervisord\n");
  bench.remote.fault("restart", FaultCode::shutdown_state);
  EXPECT_EQ(bench.run("reload"), "ERROR: already shutting down\n");
  EXPECT_EQ(bench.status, 1);
  bench.interactive = true;
  bench.terminal.input = {""};
  EXPECT_EQ(bench.run("reload"), "Really restart the remote supervisord process y/N? ");
  EXPECT_THAT(bench.run("reload x"), StartsWith("Error: reload accepts no arguments\nreload \t"));
}

TEST(Open, SwitchesTheServerAndShowsItsStatusButKeepsTheExitStatus) {
  Bench bench;
  bench.remote.answer("getAllProcessInfo", api::Array{process("a", "a", 0, "STOPPED", "Not started")});
  EXPECT_EQ(bench.run("open http://other:1"), "a                                STOPPED   Not started\n");
  EXPECT_EQ(bench.status, 0);
  EXPECT_EQ(bench.remote.server.url, "http://other:1");
}

TEST(Open, AcceptsOnlyHttpAndUnix) {
  Bench bench;
  for (const char* line : {"open", "open foo", "open ftp://x"}) {
    EXPECT_EQ(bench.run(line), "ERROR: url must be http:// or unix://\n");
    EXPECT_EQ(bench.status, 1);
  }
  EXPECT_EQ(bench.remote.server.url, "unix:///s");
}

}  // namespace
}  // namespace sup::ctl
