#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/load.h"
#include "support/fake_host.h"

namespace sup::config {
namespace {

std::expected<Ctl, Problem> ctl_of(const std::string& text) {
  test::FakeHost host;
  host.files["/etc/s.conf"] = text;
  return load_ctl("s.conf", host);
}

TEST(Ctl, HasSupervisorsDefaults) {
  const auto ctl = ctl_of("[supervisorctl]\n");
  ASSERT_TRUE(ctl.has_value());
  EXPECT_EQ(ctl->serverurl, "http://localhost:9001");
  EXPECT_EQ(ctl->prompt, "supervisor");
  EXPECT_FALSE(ctl->username || ctl->password || ctl->history_file);
}

TEST(Ctl, ReadsEveryOption) {
  const auto ctl = ctl_of(
      "[supervisorctl]\nserverurl=unix://%(here)s/../tmp/s\nusername=%(ENV_PATH)s\npassword=p%%\nprompt=q\n"
      "history_file=~/.h\n");
  ASSERT_TRUE(ctl.has_value());
  EXPECT_EQ(ctl->serverurl, "unix:///tmp/s");
  EXPECT_EQ(ctl->username, "/bin");
  EXPECT_EQ(ctl->password, "p%");
  EXPECT_EQ(ctl->prompt, "q");
  EXPECT_EQ(ctl->history_file, "/home/chris/.h");
}

TEST(Ctl, DoesNotLookAtTheRestOfTheFile) {
  EXPECT_TRUE(ctl_of("[supervisord]\nminfds=x\n[include]\n[supervisorctl]\n").has_value());
}

TEST(Ctl, SaysWhatIsWrong) {
  EXPECT_EQ(ctl_of("[supervisord]\n").error().message, ".ini file does not include supervisorctl section");
  EXPECT_EQ(ctl_of("[supervisorctl]\n[ctlplugin:x]\n").error().message,
            "section [ctlplugin:x] does not specify a supervisor.ctl_factory");
  EXPECT_EQ(ctl_of("[supervisorctl]\nprompt=%(here)s\n").error().message,
            "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which cannot be expanded. "
            "Available names: ENV_HOME, ENV_PATH");
  EXPECT_EQ(load_ctl("nope", test::FakeHost()).error().message, "could not find config file nope");
}

TEST(Ctl, RefusesPluginsAsSupervisorDoesWhenTheyAreMissing) {
  const auto ctl = ctl_of("[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=a.b:c\nextra=1\n");
  ASSERT_FALSE(ctl.has_value());
  EXPECT_EQ(ctl.error().message, "a.b:c cannot be resolved within [ctlplugin:x]: No module named 'a'");
  EXPECT_EQ(ctl.error().hint, "Python code cannot be loaded: remove this section");
  EXPECT_EQ(ctl.error().place.line, 3);
}

TEST(FindDefault, TriesThePlacesOfSupervisorInOrder) {
  test::FakeHost host;
  std::vector<std::string> tried;
  EXPECT_EQ(find_default("/usr/bin/supervisord", host, &tried), std::nullopt);
  EXPECT_EQ(tried, (std::vector<std::string>{"/usr/etc/supervisord.conf", "/usr/supervisord.conf", "supervisord.conf",
                                             "etc/supervisord.conf", "/etc/supervisord.conf",
                                             "/etc/supervisor/supervisord.conf"}));
  EXPECT_EQ(find_default("supervisord", host, &tried), std::nullopt);
  EXPECT_EQ(tried[0], "etc/supervisord.conf");
  host.files["/etc/supervisor/supervisord.conf"] = "";
  EXPECT_EQ(find_default("/usr/bin/supervisord", host), "/etc/supervisor/supervisord.conf");
  host.files["/usr/supervisord.conf"] = "";
  EXPECT_EQ(find_default("/usr/bin/supervisord", host), "/usr/supervisord.conf");
}

}  // namespace
}  // namespace sup::config
