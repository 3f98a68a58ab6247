#include "ctl/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/stub_host.h"

namespace sup::ctl {
namespace {

using ::testing::ElementsAre;
using Words = std::vector<std::string>;

struct Reading : ::testing::Test {
  sup::testing::StubHost host;

  Settings settings(const Words& arguments) {
    const auto read = read_settings(arguments, "/usr/bin/supervisorctl", host);
    EXPECT_TRUE(read) << read.error();
    return read.value_or(Settings{});
  }
  std::string refusal(const Words& arguments) {
    const auto read = read_settings(arguments, "/usr/bin/supervisorctl", host);
    return read ? "accepted" : read.error();
  }
};

TEST_F(Reading, WithoutAFileTheDefaultsHold) {
  const Settings read = settings({"start", "-x"});
  EXPECT_EQ(read.server.url, "http://localhost:9001");
  EXPECT_FALSE(read.server.username);
  EXPECT_EQ(read.prompt, "supervisor");
  EXPECT_THAT(read.words, ElementsAre("start", "-x"));
  EXPECT_FALSE(read.interactive);
}

TEST_F(Reading, NoWordsOrTheFlagMakeItInteractive) {
  EXPECT_TRUE(settings({}).interactive);
  EXPECT_TRUE(settings({"-i", "pid"}).interactive);
}

TEST_F(Reading, TheFileIsSearchedFor) {
  host.files["/etc/supervisord.conf"] = "[supervisorctl]\nserverurl=http://h:1\nprompt=p\nusername=u\n";
  const Settings read = settings({});
  EXPECT_EQ(read.server.url, "http://h:1");
  EXPECT_EQ(read.server.username, "u");
  EXPECT_EQ(read.prompt, "p");
}

TEST_F(Reading, TheCommandLineWins) {
  host.files["/tmp/c"] =
      "[supervisorctl]\nserverurl=http://h:1\nusername=u\npassword=p\nhistory_file=/tmp/h\n";
  const Settings file = settings({"-c", "/tmp/c"});
  EXPECT_EQ(file.server.password, "p");
  EXPECT_EQ(file.history_file, "/tmp/h");
  const Settings line = settings({"-c", "/tmp/c", "-s", "unix:///s", "-u", "me", "-p", "secret", "-r", "/tmp/other"});
  EXPECT_EQ(line.server.url, "unix:///s");
  EXPECT_EQ(line.server.username, "me");
  EXPECT_EQ(line.server.password, "secret");
  EXPECT_EQ(line.history_file, "/tmp/other");
}

TEST_F(Reading, MistakesAreSaidInSupervisorsWords) {
  host.files["/tmp/d"] = "[supervisord]\n";
  host.files["/tmp/plugin"] = "[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n";
  EXPECT_EQ(refusal({"-c", "/tmp/plugin"}), "a:b cannot be resolved within [ctlplugin:x]: No module named 'a'");
  EXPECT_EQ(refusal({"-s", "foo"}), "invalid value for -s 'foo': value 'foo' is not a URL");
  EXPECT_EQ(refusal({"--serverurl"}), "option --serverurl requires argument");
  EXPECT_EQ(refusal({"-s", "http://a", "-s", "http://a"}), "conflicting command line option '-s'");
  EXPECT_EQ(refusal({"-v"}), "option -v not recognized");
  EXPECT_EQ(refusal({"-c", "/no/file"}), "could not find config file /no/file");
  EXPECT_EQ(refusal({"-c", "/tmp/d"}), ".ini file does not include supervisorctl section");
}

TEST_F(Reading, HelpLooksAtNothingElse) {
  EXPECT_TRUE(settings({"-h", "-c", "/no/file"}).help);
  EXPECT_TRUE(settings({"-?"}).help);
  EXPECT_TRUE(help_text("ctl").starts_with(
      "supervisorctl -- control applications run by supervisord from the cmd line.\n\n"
      "Usage: ctl [options] [action [arguments]]\n\nOptions:\n-c/--configuration FILENAME -- "));
}

}  // namespace
}  // namespace sup::ctl
