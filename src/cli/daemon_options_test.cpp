#include "cli/daemon_options.h"

#include <gtest/gtest.h>

#include "support/stub_host.h"

namespace sup::cli {
namespace {

using testing::StubHost;
using Words = std::vector<std::string>;

DaemonCommandLine accepted(const Words& arguments) {
  const auto line = parse_daemon_options(arguments, StubHost());
  EXPECT_TRUE(line) << line.error();
  return line.value_or(DaemonCommandLine{});
}

std::string refused(const Words& arguments) {
  const auto line = parse_daemon_options(arguments, StubHost());
  return line ? "accepted" : line.error();
}

TEST(DaemonOptions, NothingGivenOverridesNothing) {
  const auto line = accepted({});
  EXPECT_EQ(line.action, DaemonCommandLine::Action::run);
  EXPECT_FALSE(line.configuration);
  EXPECT_FALSE(line.overrides.nodaemon);
  EXPECT_FALSE(line.overrides.logfile);
}

TEST(DaemonOptions, EveryOptionLandsInItsPlace) {
  const auto line =
      accepted({"-c",   "x.conf",   "-nskt", "-u",  "www", "-m", "027", "-d",           "/tmp",
                "-l",   "/tmp/log", "-y",    "5MB", "-z",  "3",  "-e",  "WARN",         "-j",
                "pid",  "-i",       "me",    "-q",  "~",   "-a", "99",  "--minprocs=7", "--profile_options",
                "calls"});
  const auto& o = line.overrides;
  EXPECT_EQ(line.configuration, "x.conf");
  EXPECT_EQ(o.nodaemon, true);
  EXPECT_EQ(o.silent, true);
  EXPECT_EQ(o.nocleanup, true);
  EXPECT_EQ(o.strip_ansi, true);
  EXPECT_EQ(o.user, "www");
  EXPECT_EQ(o.umask, 027u);
  EXPECT_EQ(o.directory, "/tmp");
  EXPECT_EQ(o.logfile, "/tmp/log");
  EXPECT_EQ(o.logfile_maxbytes, 5 * 1024 * 1024);
  EXPECT_EQ(o.logfile_backups, 3);
  EXPECT_EQ(o.loglevel, Level::warn);
  EXPECT_EQ(o.pidfile, "pid");
  EXPECT_EQ(o.identifier, "me");
  EXPECT_EQ(o.childlogdir, "/home/me");
  EXPECT_EQ(o.minfds, 99);
  EXPECT_EQ(o.minprocs, 7);
}

TEST(DaemonOptions, WrongValuesAreRefusedInSupervisorsWords) {
  EXPECT_EQ(refused({"-e", "zz"}), "invalid value for -e 'zz': bad logging level name 'zz'");
  EXPECT_EQ(refused({"--loglev", "zz"}), "invalid value for --loglevel 'zz': bad logging level name 'zz'");
  EXPECT_EQ(refused({"-m", "8x"}), "invalid value for -m '8x': 8x can not be converted to an octal type");
  EXPECT_EQ(refused({"-d", "/no"}), "invalid value for -d '/no': /no is not an existing directory");
  EXPECT_EQ(refused({"-l", "/no/x"}),
            "invalid value for -l '/no/x': The directory named as part of the path /no/x does not exist");
  EXPECT_EQ(refused({"-y", "5XB"}), "invalid value for -y '5XB': invalid literal for int() with base 10: '5xb'");
  EXPECT_EQ(refused({"-y", "xKB"}), "invalid value for -y 'xKB': invalid literal for int() with base 10: 'x'");
  EXPECT_EQ(refused({"-a", "abc"}), "invalid value for -a 'abc': invalid literal for int() with base 10: 'abc'");
}

TEST(DaemonOptions, HugeSizesAreRefusedInsteadOfWrapping) {
  EXPECT_EQ(refused({"-y", "9000000000000000000GB"}),
            "invalid value for -y '9000000000000000000GB': invalid literal for int() with base 10: "
            "'9000000000000000000'");
}

TEST(DaemonOptions, PositionalArgumentsAreRefusedEvenWithVersion) {
  EXPECT_EQ(refused({"-v", "a", "-b"}), "positional arguments are not supported: ['a', '-b']");
}

TEST(DaemonOptions, ConflictsAreRefused) {
  EXPECT_EQ(refused({"-c", "a", "-c", "a"}), "conflicting command line option '-c'");
}

TEST(DaemonOptions, HelpAndVersionActWhereTheyStand) {
  EXPECT_EQ(accepted({"-v", "-h"}).action, DaemonCommandLine::Action::version);
  EXPECT_EQ(accepted({"-?", "-v", "-e", "zz"}).action, DaemonCommandLine::Action::help);
  EXPECT_EQ(refused({"-e", "zz", "-v"}), "invalid value for -e 'zz': bad logging level name 'zz'");
  EXPECT_EQ(accepted({"-c", "x", "--check"}).action, DaemonCommandLine::Action::check);
}

TEST(DaemonOptions, TildeOfAnUnknownUserStays) {
  EXPECT_EQ(accepted({"-j", "~/pid"}).overrides.pidfile, "/home/me/pid");
  EXPECT_EQ(refused({"-j", "~nobody/pid"}),
            "invalid value for -j '~nobody/pid': The directory named as part of the path ~nobody/pid does not exist");
}

TEST(DaemonOptions, HelpTextBeginsAsSupervisors) {
  const std::string text = daemon_help("/bin/supervisord");
  EXPECT_TRUE(
      text.starts_with("supervisord -- run a set of applications as daemons.\n\n"
                       "Usage: /bin/supervisord [options]\n\nOptions:\n-c/--configuration FILENAME -- "));
  EXPECT_NE(text.find("\n-l/--logfile FILENAME -- use FILENAME as logfile path\n"), text.npos);
}

}  // namespace
}  // namespace sup::cli
