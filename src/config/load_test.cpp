#include "config/load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/fake_host.h"

namespace sup::config {
namespace {

constexpr const char* main_file = "/etc/s.conf";

// The first problem's message, or "".
std::string refusal(test::FakeHost& host, const std::string& text) {
  host.files[main_file] = text;
  const auto config = load(main_file, host);
  return config ? "" : config.error().front().message;
}

std::string refusal(const std::string& text) {
  test::FakeHost host;
  return refusal(host, text);
}

Config loaded(test::FakeHost& host, const std::string& text) {
  host.files[main_file] = text;
  auto config = load(main_file, host);
  if (config) return std::move(*config);
  ADD_FAILURE() << config.error().front().message;
  return {};
}

Config loaded(const std::string& text) {
  test::FakeHost host;
  return loaded(host, text);
}

Process only_process(const std::string& options) {
  auto config = loaded("[supervisord]\n[program:x]\ncommand=c\n" + options);
  if (config.groups.size() == 1 && config.groups[0].processes.size() == 1) return config.groups[0].processes[0];
  ADD_FAILURE() << "not one process";
  return {"", std::make_shared<ProgramOptions>(), std::make_shared<InstanceOptions>(), {}};
}

// "group(process process) group(...)"
std::string names(const Config& config) {
  std::string out;
  for (const auto& group : config.groups) {
    out += (out.empty() ? "" : " ") + group.name + "(";
    for (const auto& process : group.processes)
      out += (out.ends_with('(') ? "" : " ") + process.name;
    out += ")";
  }
  return out;
}

std::vector<std::string> texts(const Config& config) {
  std::vector<std::string> out;
  for (const auto& notice : config.notices)
    out.push_back(notice.text);
  return out;
}

// ---- the file itself

TEST(Load, SaysWhichFileIsMissing) {
  test::FakeHost host;
  EXPECT_EQ(load("nope.conf", host).error().front().message, "could not find config file nope.conf");
  host.unreadable.insert("/etc/x.conf");
  EXPECT_EQ(load("x.conf", host).error().front().message, "could not read config file x.conf");
  EXPECT_EQ(load("/tmp", host).error().front().message, "could not read config file /tmp");
}

TEST(Load, MakesThePathAbsolute) {
  test::FakeHost host;
  host.files["/etc/a/s.conf"] = "[supervisord]\n";
  const auto config = load("a/../a/s.conf", host);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->path, "/etc/a/s.conf");
  EXPECT_EQ(config->here, "/etc/a");
}

TEST(Load, NeedsItsSection) {
  EXPECT_EQ(refusal(""), ".ini file does not include supervisord section");
  EXPECT_EQ(refusal("[program:x]\ncommand=y\n"), ".ini file does not include supervisord section");
}

TEST(Load, NeedsUtf8) {
  EXPECT_EQ(refusal("[supervisord]\n# \xFF\n"),
            "'utf-8' codec can't decode byte 0xff in position 16: invalid start byte");
  EXPECT_EQ(refusal("[supervisord]\n# \xC3x\n"),
            "'utf-8' codec can't decode byte 0xc3 in position 16: invalid continuation byte");
}

// ---- [supervisord]

TEST(Daemon, HasSupervisorsDefaults) {
  const auto daemon = loaded("[supervisord]\n").daemon;
  EXPECT_EQ(daemon.minfds, 1024);
  EXPECT_EQ(daemon.minprocs, 200);
  EXPECT_EQ(daemon.umask, 022U);
  EXPECT_EQ(daemon.logfile, "/etc/supervisord.log");
  EXPECT_EQ(daemon.logfile_maxbytes, 50 * 1024 * 1024);
  EXPECT_EQ(daemon.logfile_backups, 10);
  EXPECT_EQ(daemon.loglevel, Level::info);
  EXPECT_EQ(daemon.pidfile, "/etc/supervisord.pid");
  EXPECT_EQ(daemon.identifier, "supervisor");
  EXPECT_EQ(daemon.childlogdir, "/tmp");
  EXPECT_FALSE(daemon.nodaemon || daemon.silent || daemon.nocleanup || daemon.strip_ansi);
  EXPECT_FALSE(daemon.user || daemon.directory);
}

TEST(Daemon, ReadsEveryOption) {
  const auto daemon = loaded(
                          "[supervisord]\nminfds=1\nminprocs=2\ndirectory=~\nuser=chris\numask=007\n"
                          "logfile=%(here)s/log\nlogfile_maxbytes=1KB\nlogfile_backups=3\nloglevel=DEBUG\n"
                          "pidfile=/tmp/pid\nidentifier=%(ENV_PATH)s\nnodaemon=true\nsilent=on\n"
                          "childlogdir=/var/log\nnocleanup=1\nstrip_ansi=yes\n"
                          "environment=A=\"%(host_node_name)s\",B=\"%%\"\n")
                          .daemon;
  EXPECT_EQ(daemon.minfds, 1);
  EXPECT_EQ(daemon.minprocs, 2);
  EXPECT_EQ(daemon.directory, "/home/chris");
  EXPECT_EQ(daemon.user->uid, 1000U);
  EXPECT_EQ(daemon.umask, 07U);
  EXPECT_EQ(daemon.logfile, "/etc/log");
  EXPECT_EQ(daemon.logfile_maxbytes, 1024);
  EXPECT_EQ(daemon.logfile_backups, 3);
  EXPECT_EQ(daemon.loglevel, Level::debug);
  EXPECT_EQ(daemon.pidfile, "/tmp/pid");
  EXPECT_EQ(daemon.identifier, "/bin");
  EXPECT_TRUE(daemon.nodaemon && daemon.silent && daemon.nocleanup && daemon.strip_ansi);
  EXPECT_EQ(daemon.childlogdir, "/var/log");
  EXPECT_EQ(daemon.environment, (Environment{{"A", "box"}, {"B", "%"}}));
}

TEST(Daemon, TheCommandLineWins) {
  test::FakeHost host;
  host.files[main_file] = "[supervisord]\nuser=nosuch\nlogfile=/tmp/a\nloglevel=warn\nnodaemon=false\n";
  DaemonOverrides overrides;
  overrides.user = "chris";
  overrides.logfile = "b";
  overrides.loglevel = Level::trace;
  overrides.nodaemon = true;
  const auto config = load(main_file, host, overrides);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->daemon.user->uid, 1000U);
  EXPECT_EQ(config->daemon.logfile, "/etc/b");
  EXPECT_EQ(config->daemon.loglevel, Level::trace);
  EXPECT_TRUE(config->daemon.nodaemon);
}

TEST(Daemon, LogsToSyslogByName) {
  EXPECT_EQ(loaded("[supervisord]\nlogfile=syslog\n").daemon.logfile, "syslog");
  EXPECT_EQ(loaded("[supervisord]\nlogfile=NONE\n").daemon.logfile, "/etc/NONE");
}

// ---- problems: the text of the file, and the one message Supervisor has for it

struct Bad {
  const char* text;  // behind [supervisord] and a line end
  const char* message;
};

class Wrong : public testing::TestWithParam<Bad> {};

TEST_P(Wrong, IsToldInSupervisorsWords) {
  test::FakeHost host;
  EXPECT_EQ(refusal(host, std::string("[supervisord]\n") + GetParam().text), GetParam().message) << GetParam().text;
}

#define IN_X " in section 'program:x' (file: '/etc/s.conf')"

INSTANTIATE_TEST_SUITE_P(
    Daemon, Wrong,
    testing::Values(
        Bad{"minfds=x", "invalid literal for int() with base 10: 'x'"},
        Bad{"directory=/nonexist", "/nonexist is not an existing directory"},
        Bad{"umask=8", "8 can not be converted to an octal type"},
        Bad{"logfile=/a/b", "The directory named as part of the path /a/b does not exist"},
        Bad{"logfile_maxbytes=1K", "invalid literal for int() with base 10: '1k'"},
        Bad{"loglevel=warning", "bad logging level name 'warning'"},
        Bad{"nodaemon=2", "not a valid boolean value: '2'"}, Bad{"user=nosuch", "Invalid user name nosuch"},
        Bad{"identifier=%(nope)s",
            "Format string '%(nope)s' for 'supervisord.identifier' contains names ('nope') which cannot be expanded. "
            "Available names: ENV_HOME, ENV_PATH, here"},
        Bad{"environment=A", "Unexpected end of key/value pairs in value 'A'"},
        Bad{"environment=A=\"%(nope)s\"",
            "Format string 'A=\"%(nope)s\"' for 'environment' contains names ('nope') which cannot be expanded. "
            "Available names: ENV_HOME, ENV_PATH, here, host_node_name"},
        Bad{"junk\n", "Source contains parsing errors: '/etc/s.conf'\n\t[line  2]: 'junk\\n'"}));

INSTANTIATE_TEST_SUITE_P(
    Program, Wrong,
    testing::Values(
        Bad{"[program:x]", "program section program:x does not specify a command" IN_X},
        Bad{"[program:a b]\ncommand=c", "Invalid name: 'a b' because of character: ' '"},
        Bad{"[program:a:b]\ncommand=c", "Invalid name: 'a:b' because of character: ':'"},
        // Supervisor reads the priority for the group first, outside of the wrapping.
        Bad{"[program:x]\npriority=y", "invalid literal for int() with base 10: 'y'"},
        Bad{"[program:x]\nautostart=y y", "not a valid boolean value: 'y y'" IN_X},
        Bad{"[program:x]\nautorestart=Maybe", "invalid 'autorestart' value 'maybe'" IN_X},
        Bad{"[program:x]\nstopsignal=FOO", "value 'FOO' is not a valid signal name" IN_X},
        Bad{"[program:x]\nexitcodes=300", "not a valid list of exit codes: '300'" IN_X},
        Bad{"[program:x]\nstopasgroup=true\nkillasgroup=no", "Cannot set stopasgroup=true and killasgroup=false" IN_X},
        Bad{"[program:x]\nnumprocs=2", "%(process_num) must be present within process_name when numprocs > 1" IN_X},
        Bad{"[program:x]\nprocess_name=a/b", "Invalid name: 'a/b' because of character: '/'" IN_X},
        Bad{"[program:x]\nuser=nosuch", "Invalid user name nosuch" IN_X},
        Bad{"[program:x]\numask=9", "9 can not be converted to an octal type" IN_X},
        Bad{"[program:x]\nenvironment=A=\"x", "No closing quotation" IN_X},
        Bad{"[program:x]\nenvironment=A=", "Unexpected end of key/value pairs in value 'A='" IN_X},
        Bad{"[program:x]\nstdout_logfile=/a/b", "The directory named as part of the path /a/b does not exist" IN_X},
        Bad{"[program:x]\ncommand=date +%s",
            "Format string 'date +%s' for 'program:x.command' is badly formatted: %s without a name" IN_X},
        Bad{"[program:x]\nstdout_logfile=/tmp/%%z",
            "Format string '/tmp/%z' for 'stdout_logfile' is badly formatted: unsupported format character 'z' (0x7a) "
            "at index 6" IN_X},
        Bad{"[program:x]\npriority=1\nuser=%(process_num)s",
            "Format string '%(process_num)s' for 'program:x.user' contains names ('process_num') which cannot be "
            "expanded. Available names: ENV_HOME, ENV_PATH, group_name, here, host_node_name, program_name" IN_X},
        Bad{"environment=D=1\n[program:x]\nenvironment=E=1\ncommand=%(nope)s",
            "Format string '%(nope)s' for 'program:x.command' contains names ('nope') which cannot be expanded. "
            "Available names: ENV_D, ENV_E, ENV_HOME, ENV_PATH, group_name, here, host_node_name, numprocs, "
            "process_num, program_name" IN_X},
        // The order of evaluation decides which mistake is told.
        Bad{"[program:x]\ncommand=%q\nstopsignal=FOO\nstartsecs=y",
            "invalid literal for int() with base 10: 'y'" IN_X}));

INSTANTIATE_TEST_SUITE_P(
    Group, Wrong,
    testing::Values(
        Bad{"[group:g]\nprograms=x", "[group:g] names unknown program or fcgi-program x"},
        Bad{"[group:g]\nprograms=x,zz\n[program:x]\ncommand=c", "[program:x] names unknown program or fcgi-program zz"},
        Bad{"[group:g]\nprograms=x\n[program:x]\ncommand=c\n[fcgi-program:x]\ncommand=c\nsocket=tcp://a:1",
            "[group:g] name x is ambiguous (exists as program and fcgi-program)"},
        Bad{"[group:a b]", "Invalid name: 'a b' because of character: ' '"},
        Bad{"[group:g]\nprograms=x\n[program:x]", "program section program:x does not specify a command" IN_X}));

INSTANTIATE_TEST_SUITE_P(
    Listener, Wrong,
    testing::Values(
        Bad{"[eventlistener:e]\ncommand=c", "[eventlistener:e] section requires an \"events\" line"},
        Bad{"[eventlistener:e]\ncommand=c\nevents=foo", "Unknown event type FOO in [eventlistener:e] events"},
        Bad{"[eventlistener:e]\ncommand=c\nevents=TICK,", "Unknown event type  in [eventlistener:e] events"},
        Bad{"[eventlistener:e]\ncommand=c\nevents=TICK\nbuffer_size=0",
            "[eventlistener:e] section sets invalid buffer_size (0)"},
        Bad{"[eventlistener:e]\ncommand=c\nevents=TICK\nresult_handler=foo.bar:baz",
            "foo.bar:baz cannot be resolved within [eventlistener:e]: No module named 'foo'"},
        Bad{"[eventlistener:e]\ncommand=c\nevents=TICK\nredirect_stderr=true",
            "[eventlistener:e] section sets redirect_stderr=true but this is not allowed because it will interfere "
            "with the eventlistener protocol"},
        Bad{"[eventlistener:a b]\ncommand=c\nevents=TICK",
            "Invalid name: 'a b' because of character: ' ' in section 'eventlistener:a b' (file: '/etc/s.conf')"}));

INSTANTIATE_TEST_SUITE_P(
    Fcgi, Wrong,
    testing::Values(
        Bad{"[fcgi-program:f]\ncommand=c", "[fcgi-program:f] section requires a \"socket\" line"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=foo", "Bad socket format foo in [fcgi-program:f] socket"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=tcp://a b:1",
            "Bad socket format tcp://a b:1 in [fcgi-program:f] socket"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=tcp://a:b:1",
            "Bad socket format tcp://a:b:1 in [fcgi-program:f] socket"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=tcp://a:0", "0 is below lower bound (1) in [fcgi-program:f] socket"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=unix://foo",
            "Unix socket path foo is not an absolute path in [fcgi-program:f] socket"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=tcp://a:1\nsocket_mode=0600",
            "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:f] "
            "socket"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=unix:///s\nsocket_mode=99", "Invalid socket_mode value 99"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=unix:///s\nsocket_owner=nosuch", "Invalid socket_owner value nosuch"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=unix:///s\nsocket_backlog=0", "Invalid socket_backlog value 0"},
        Bad{"[fcgi-program:f]\ncommand=c\nsocket=unix:///s\nuser=nosuch", "Invalid user name nosuch"}));

INSTANTIATE_TEST_SUITE_P(
    Server, Wrong,
    testing::Values(
        Bad{"[unix_http_server]", "section [unix_http_server] has no file value"},
        Bad{"[unix_http_server]\nfile=s\nchmod=9", "Invalid chmod value 9"},
        Bad{"[unix_http_server]\nfile=s\nchown=a:b", "Invalid sockchown value a:b"},
        Bad{"[unix_http_server]\nfile=s\nusername=u\npassword=50%off",
            "Format string '50%off' for 'unix_http_server.password' is badly formatted: "
            "%o format: an integer is required, not dict"},
        Bad{"[inet_http_server]", "section [inet_http_server] has no port value"},
        Bad{"[inet_http_server:x]\nport=abc", "not a valid port number: 'abc' "},
        Bad{"[inet_http_server]\nport=1\nusername=u",
            "Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, "
            "both the username and password must be specified"},
        Bad{"[rpcinterface:s]", "section [rpcinterface:s] does not specify a supervisor.rpcinterface_factory"},
        Bad{"[rpcinterface:s]\nsupervisor.rpcinterface_factory=foo:bar",
            "foo:bar cannot be resolved within [rpcinterface:s]: No module named 'foo'"},
        Bad{"[rpcinterface:s]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make",
            "supervisor.rpcinterface:make cannot be resolved within [rpcinterface:s]: module 'supervisor.rpcinterface' "
            "has "
            "no attribute 'make'"},
        Bad{"[rpcinterface:s]\nsupervisor.rpcinterface_factory=",
            " cannot be resolved within [rpcinterface:s]: No module named ''"},
        Bad{"[rpcinterface:s]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nx=%q",
            "Format string '%q' for 'rpcinterface:s.x' is badly formatted: unsupported format character 'q' (0x71) at "
            "index 1"},
        Bad{"[include]", ".ini file has [include] section, but no files setting"},
        // Later kinds of sections are looked at later.
        Bad{"[inet_http_server]\n[unix_http_server]\n[fcgi-program:f]\n[group:g]\nprograms=x",
            "[group:g] names unknown program or fcgi-program x"}));

TEST(Problems, SayWhereAndHowToMend) {
  test::FakeHost host;
  host.files[main_file] = "[supervisord]\n[program:x]\ncommand=c\n\nautorestart=perhaps\n[program:y]\n";
  const auto problem = load(main_file, host).error().front();
  EXPECT_EQ(*problem.place.file, main_file);
  EXPECT_EQ(problem.place.line, 5);
  EXPECT_EQ(problem.hint, "expected true, false or unexpected");
}

TEST(Problems, AreAllToldWhenAskedFor) {
  test::FakeHost host;
  host.files[main_file] =
      "[supervisord]\nminfds=x\nloglevel=y\n[program:x]\nstartsecs=z\nstopsignal=0\n[inet_http_server]\nport=p\n"
      "[program:many]\ncommand=%q\nnumprocs=3\nprocess_name=%(process_num)d\n";
  EXPECT_EQ(load(main_file, host).error().size(), 1U);
  std::vector<int> lines;
  const auto all = load(main_file, host, {}, true);
  ASSERT_FALSE(all.has_value());
  for (const auto& problem : all.error())
    lines.push_back(problem.place.line);
  EXPECT_EQ(lines, (std::vector{2, 3, 5, 6, 4, 10, 8}));
}

TEST(Problems, OfTheGrammarDoNotHideTheOthers) {
  test::FakeHost host;
  host.files[main_file] = "[supervisord]\njunk\nminfds=x\n";
  EXPECT_EQ(load(main_file, host, {}, true).error().size(), 2U);
}

TEST(Problems, NameTheFileThatIncludedTheSection) {
  test::FakeHost host;
  host.files["/etc/conf.d/x.conf"] = "[program:x]\n";
  EXPECT_EQ(refusal(host, "[supervisord]\n[include]\nfiles=conf.d/*.conf\n"),
            "program section program:x does not specify a command in section 'program:x' "
            "(file: '/etc/conf.d/x.conf')");
}

// ---- programs

TEST(Program, HasSupervisorsDefaults) {
  const auto process = only_process("");
  EXPECT_EQ(process.name, "x");
  EXPECT_EQ(*process.program, ProgramOptions());
  InstanceOptions expected;
  expected.command = "c";
  EXPECT_EQ(*process.instance, expected);
  EXPECT_EQ(process.place.line, 2);
}

TEST(Program, ReadsEveryOption) {
  const auto process = only_process(
      "command=%(program_name)s %(group_name)s %(host_node_name)s %(here)s %(process_num)02d %(numprocs)d %(ENV_E)s\n"
      "process_name=%(program_name)s-1\npriority=5\nautostart=no\nautorestart=true\nstartsecs=2\nstartretries=4\n"
      "exitcodes=0,2\nstopsignal=HUP\nstopwaitsecs=6\nstopasgroup=true\nuser=chris\numask=077\nserverurl=http://u\n"
      "redirect_stderr=false\ndirectory=~/x\nenvironment=E=\"%(process_num)d\"\n"
      "stdout_logfile=/tmp/%(program_name)s%%%%.log\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=7\n"
      "stdout_capture_maxbytes=1KB\nstdout_events_enabled=true\nstdout_syslog=true\n"
      "stderr_logfile=NONE\nstderr_logfile_maxbytes=2MB\nstderr_logfile_backups=8\nstderr_capture_maxbytes=2KB\n"
      "stderr_events_enabled=yes\nstderr_syslog=on\n");
  EXPECT_EQ(process.name, "x-1");
  ProgramOptions program;
  program.priority = 5;
  program.autostart = false;
  program.autorestart = Restart::always;
  program.startsecs = 2;
  program.startretries = 4;
  program.exitcodes = {0, 2};
  program.stopsignal = 1;
  program.stopwaitsecs = 6;
  program.stopasgroup = program.killasgroup = true;
  program.user = User{"chris", 1000};
  program.umask = 077;
  program.serverurl = "http://u";
  EXPECT_EQ(*process.program, program);
  InstanceOptions instance;
  instance.command = "x x box /etc 00 1 0";
  instance.directory = "~/x";
  instance.environment = {{"E", "0"}};
  instance.out = {LogTarget::Kind::file, "/tmp/x%.log", 1024 * 1024, 7, 1024, true, true};
  instance.err = {LogTarget::Kind::none, "", 2 * 1024 * 1024, 8, 2048, true, true};
  EXPECT_EQ(*process.instance, instance);
}

TEST(Program, KeepsAPercentSignInItsOwnName) {
  EXPECT_EQ(names(loaded("[supervisord]\n[program:a%b]\ncommand=c\n")), "a%b(a%b)");
}

TEST(Program, TakesAnEmptyCommandAndAnEmptyListOfExitCodes) {
  const auto process = only_process("command=\nexitcodes=\nstdout_logfile=\n");
  EXPECT_EQ(process.instance->command, "");
  EXPECT_TRUE(process.program->exitcodes.empty());
  EXPECT_EQ(process.instance->out.kind, LogTarget::Kind::none);
}

TEST(Program, AnAutomaticServerUrlIsNone) {
  EXPECT_EQ(only_process("serverurl=auto\n").program->serverurl, std::nullopt);
}

TEST(Program, KillingTheGroupFollowsStoppingIt) {
  EXPECT_TRUE(only_process("stopasgroup=true\n").program->killasgroup);
  EXPECT_FALSE(only_process("").program->killasgroup);
  EXPECT_FALSE(only_process("killasgroup=true\n").program->stopasgroup);
}

TEST(Program, MergesTheDaemonsEnvironmentAndCanExpandBoth) {
  const auto config = loaded(
      "[supervisord]\nenvironment=A=1,B=2\n[program:x]\ncommand=%(ENV_A)s%(ENV_B)s%(ENV_C)s\n"
      "environment=C=\"%(ENV_A)s\",B=4\n");
  const auto& instance = *config.groups.at(0).processes.at(0).instance;
  EXPECT_EQ(instance.environment, (Environment{{"A", "1"}, {"B", "4"}, {"C", "1"}}));
  EXPECT_EQ(instance.command, "141");
}

TEST(Program, MakesNumberedCopiesInTheOrderOfTheirNames) {
  const auto config = loaded(
      "[supervisord]\n[program:x]\ncommand=c %(process_num)d/%(numprocs)d\nnumprocs=3\nnumprocs_start=9\n"
      "process_name=%(program_name)s_%(process_num)d\n");
  EXPECT_EQ(names(config), "x(x_10 x_11 x_9)");
  EXPECT_EQ(config.groups[0].processes[2].instance->command, "c 9/3");
  EXPECT_EQ(names(loaded("[supervisord]\n[program:x]\ncommand=c\nnumprocs=0\n")), "x()");
  EXPECT_EQ(names(loaded("[supervisord]\n[program:x]\ncommand=c\nnumprocs=-1\n")), "x()");
}

TEST(Program, CopiesShareWhatIsEqual) {
  const auto copies = [](const std::string& options) {
    auto config = loaded("[supervisord]\n[program:x]\nnumprocs=3\nprocess_name=p%(process_num)d\n" + options);
    return std::move(config.groups.at(0).processes);
  };
  const auto equal = copies("command=c %(numprocs)d\nenvironment=A=1\ndirectory=%(ENV_A)s\n");
  EXPECT_EQ(equal[0].program, equal[2].program);
  EXPECT_EQ(equal[0].instance, equal[2].instance);
  const auto different = copies("command=c %(process_num)d\n");
  EXPECT_EQ(different[0].program, different[2].program);
  EXPECT_NE(*different[0].instance, *different[2].instance);
  EXPECT_EQ(different[2].instance->command, "c 2");
  const auto indirect = copies("command=c %(ENV_N)s\nenvironment=N=\"%(process_num)d\"\n");
  EXPECT_EQ(indirect[2].instance->command, "c 2");
}

TEST(Program, RefusesMoreCopiesThanAMachineCanRun) {
  EXPECT_EQ(refusal("[supervisord]\n[program:x]\ncommand=c\nnumprocs=999999999\nprocess_name=%(process_num)d\n"),
            "numprocs 999999999 is above upper bound (100000) in section 'program:x' (file: '/etc/s.conf')");
}

TEST(Program, TakesDefaultsFromTheDefaultSection) {
  const auto config = loaded("[DEFAULT]\nstartsecs=7\n[supervisord]\n[program:x]\ncommand=c\n");
  EXPECT_EQ(config.groups.at(0).processes.at(0).program->startsecs, 7);
}

// ---- notices

TEST(Notices, TellOfSuspiciousLogOptionsOnce) {
  const std::string copies = "numprocs=2\nprocess_name=%(process_num)d\n";
  const auto warnings = [&](const std::string& options) {
    return texts(loaded("[supervisord]\n[program:x]\ncommand=c\n" + copies + options));
  };
  EXPECT_EQ(warnings("stderr_logfile=/tmp/x\nredirect_stderr=true\n"),
            std::vector<std::string>{"For [program:x], redirect_stderr=true but stderr_logfile has also been set to a "
                                     "filename, the filename has been ignored"});
  EXPECT_EQ(warnings("stdout_logfile=syslog\n"),
            std::vector<std::string>{"For [program:x], stdout_logfile=syslog but this is deprecated and will be "
                                     "removed.  Use stdout_syslog=true to enable syslog instead."});
  EXPECT_EQ(warnings("stderr_logfile_maxbytes=0\n"),
            std::vector<std::string>{"For [program:x], AUTO logging used for stderr_logfile without rollover, set "
                                     "maxbytes > 0 to avoid filling up filesystem unintentionally"});
  EXPECT_TRUE(warnings("stderr_logfile=NONE\nredirect_stderr=true\n").empty());
}

TEST(Notices, RedirectedAndSyslogChannelsHaveNoFile) {
  const auto redirected = only_process("stderr_logfile=/tmp/x\nredirect_stderr=true\n").instance->err;
  EXPECT_EQ(redirected.kind, LogTarget::Kind::none);
  EXPECT_EQ(redirected.path, "");
  const auto syslog = only_process("stdout_logfile=SYSLOG\n").instance->out;
  EXPECT_EQ(syslog.kind, LogTarget::Kind::none);
  EXPECT_TRUE(syslog.syslog);
}

TEST(Notices, TellOfNamesThatComeTwice) {
  const auto config = loaded(
      "[supervisord]\n[group:g]\nprograms=a,b,c\n"
      "[program:a]\ncommand=1\nprocess_name=p\n[program:b]\ncommand=2\n[program:c]\ncommand=3\nprocess_name=p\n"
      "[program:x]\ncommand=4\npriority=1\n[eventlistener:x]\ncommand=5\nevents=TICK\n");
  EXPECT_EQ(names(config), "x(x) g(p b)");
  EXPECT_EQ(config.groups[0].processes[0].instance->command, "5");
  EXPECT_EQ(config.groups[1].processes[0].instance->command, "3");
  EXPECT_EQ(texts(config),
            (std::vector<std::string>{"Group name 'x' is used more than once, only the first by priority is kept",
                                      "Process name 'p' is used more than once in group 'g', the last one is kept"}));
}

// ---- groups

TEST(Groups, AreSortedByPriorityThenName) {
  EXPECT_EQ(names(loaded("[supervisord]\n[program:b]\ncommand=c\n[program:a]\ncommand=c\n"
                         "[program:z]\ncommand=c\npriority=1\n[eventlistener:e]\ncommand=c\nevents=TICK\n")),
            "e(e) z(z) a(a) b(b)");
}

TEST(Groups, KeepTheOrderOfTheirPrograms) {
  const auto config = loaded(
      "[supervisord]\n[group:g]\nprograms=y, x\npriority=5\n[program:x]\ncommand=%(group_name)s\npriority=1\n"
      "[program:y]\ncommand=c\nnumprocs=2\nprocess_name=y%(process_num)d\n[program:z]\ncommand=c\n");
  EXPECT_EQ(names(config), "g(y0 y1 x) z(z)");
  EXPECT_EQ(config.groups[0].priority, 5);
  EXPECT_EQ(config.groups[0].processes[2].instance->command, "g");
}

TEST(Groups, MayShareAProgramAndMayBeEmpty) {
  EXPECT_EQ(names(loaded("[supervisord]\n[group:g]\nprograms=x\n[group:h]\nprograms=x\n[group:i]\n"
                         "[program:x]\ncommand=c\n")),
            "g(x) h(x) i()");
}

TEST(Groups, ListenersHaveAPoolAndComeFirst) {
  const auto config = loaded(
      "[supervisord]\n[eventlistener:e]\ncommand=c\nevents=tick_5, PROCESS_STATE,TICK_5\nbuffer_size=3\n"
      "result_handler=supervisor.dispatchers:default_handler\n");
  const auto& group = config.groups.at(0);
  EXPECT_EQ(group.priority, -1);
  EXPECT_EQ(*group.pool, (Pool{3, {"TICK_5", "PROCESS_STATE"}}));
  EXPECT_EQ(group.processes.at(0).program->priority, 999);
}

TEST(Groups, FcgiProgramsHaveASocket) {
  const auto config = loaded(
      "[supervisord]\n[fcgi-program:f]\ncommand=c\nsocket=unix:///tmp/../tmp/%(program_name)s\nuser=chris\n"
      "socket_mode=0660\nsocket_backlog=5\nnumprocs=2\nprocess_name=f%(process_num)d\n"
      "[fcgi-program:t]\ncommand=c\nsocket=tcp://Host:9000\n");
  const auto& socket = config.groups.at(0).sockets;
  ASSERT_EQ(socket.size(), 2U);
  EXPECT_EQ(socket[1]->url, "unix:///tmp/f");
  EXPECT_EQ(socket[1]->path, "/tmp/f");
  EXPECT_TRUE(socket[1]->is_unix);
  EXPECT_EQ(socket[1]->mode, 0660U);
  EXPECT_EQ(*socket[1]->owner, (Owner{1000, 1001})) << "the program's user by default";
  EXPECT_EQ(socket[1]->backlog, 5);
  const auto& tcp = *config.groups.at(1).sockets.at(0);
  EXPECT_EQ(tcp.url, "tcp://host:9000");
  EXPECT_EQ(tcp.host, "host");
  EXPECT_EQ(tcp.port, 9000);
  EXPECT_FALSE(tcp.is_unix);
}

TEST(Groups, FcgiProgramsKeepTheirSocketInAGroup) {
  const auto config = loaded(
      "[supervisord]\n[group:g]\nprograms=x,f,y\n[program:x]\ncommand=c\n[program:y]\ncommand=c\n"
      "[fcgi-program:f]\ncommand=c\nsocket=unix:///tmp/f\n");
  EXPECT_EQ(names(config), "g(x f y)");
  const auto& sockets = config.groups[0].sockets;
  ASSERT_EQ(sockets.size(), 3U);
  EXPECT_FALSE(sockets[0]);
  EXPECT_EQ(sockets[1]->path, "/tmp/f");
  EXPECT_FALSE(sockets[1]->owner) << "no user, so the file stays the daemon's";
  EXPECT_FALSE(sockets[2]);
}

// ---- servers

TEST(Servers, ReadEveryOption) {
  const auto config = loaded(
      "[supervisord]\n[unix_http_server]\nfile=%(here)s/../tmp/s\nchmod=0770\nchown=chris:adm\nusername=u\n"
      "password=50%%\n[unix_http_server:b]\nfile=~/s\n[inet_http_server]\nport=*:9001\n");
  ASSERT_EQ(config.unix_servers.size(), 2U);
  EXPECT_EQ(config.unix_servers[0].path, "/tmp/s");
  EXPECT_EQ(config.unix_servers[0].mode, 0770U);
  EXPECT_EQ(config.unix_servers[0].owner, (Owner{1000, 4}));
  EXPECT_EQ(config.unix_servers[0].credentials, (Credentials{"u", "50%"}));
  EXPECT_EQ(config.unix_servers[1].section, "unix_http_server:b");
  EXPECT_EQ(config.unix_servers[1].path, "/home/chris/s");
  EXPECT_EQ(config.unix_servers[1].mode, 0700U);
  EXPECT_EQ(config.unix_servers[1].owner, Owner());
  ASSERT_EQ(config.inet_servers.size(), 1U);
  EXPECT_EQ(config.inet_servers[0].host, "");
  EXPECT_EQ(config.inet_servers[0].port, 9001);
}

TEST(Servers, AnyNameMayHaveTheBuiltInInterface) {
  const auto config = loaded(
      "[supervisord]\n[rpcinterface:foo]\nsupervisor.rpcinterface_factory = "
      "supervisor.rpcinterface:make_main_rpcinterface\nx=1\n");
  ASSERT_EQ(config.rpc_interfaces.size(), 1U);
  EXPECT_EQ(config.rpc_interfaces[0].section, "rpcinterface:foo");
  EXPECT_EQ(config.rpc_interfaces[0].name, "foo");
}

// ---- [include]

TEST(Include, ReadsFilesInOrderAndLetsThemOverride) {
  test::FakeHost host;
  host.files["/etc/b/1.conf"] = "[program:x]\ncommand=one\nstartsecs=1\n";
  host.files["/etc/b/2.conf"] = "[program:x]\ncommand=two\n[include]\nfiles=/etc/c/*\n";
  host.files["/etc/c/3.conf"] = "[program:y]\ncommand=three\n";
  const auto config = loaded(host, "[supervisord]\n[include]\nfiles=nope/* b/*.conf\n[program:x]\ncommand=zero\n");
  EXPECT_EQ(names(config), "x(x)");
  EXPECT_EQ(config.groups[0].processes[0].instance->command, "two");
  EXPECT_EQ(config.groups[0].processes[0].program->startsecs, 1);
  EXPECT_EQ(texts(config), (std::vector<std::string>{"No file matches via include \"/etc/nope/*\"",
                                                     "Included extra file \"/etc/b/1.conf\" during parsing",
                                                     "Included extra file \"/etc/b/2.conf\" during parsing"}));
  EXPECT_EQ(config.notices[0].level, Level::warn);
  EXPECT_EQ(config.notices[1].level, Level::info);
}

TEST(Include, HereIsTheDirectoryOfEachFile) {
  test::FakeHost host;
  host.files["/etc/b/x.conf"] = "[program:x]\ncommand=%(here)s\n";
  const auto config =
      loaded(host, "[supervisord]\n[include]\nfiles=%(here)s/b/x.conf\n[program:m]\ncommand=%(here)s\n");
  EXPECT_EQ(names(config), "m(m) x(x)");
  EXPECT_EQ(config.groups[0].processes[0].instance->command, "/etc");
  EXPECT_EQ(config.groups[1].processes[0].instance->command, "/etc/b");
}

TEST(Include, WarnsOfFilesThatCannotBeRead) {
  test::FakeHost host;
  host.files["/etc/b/x.conf"] = "";
  host.unreadable.insert("/etc/b/x.conf");
  host.directories.insert("/etc/b/y.conf");
  const auto config = loaded(host, "[supervisord]\n[include]\nfiles=b/*.conf\n");
  const auto all = texts(config);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_TRUE(all[0].starts_with("Included file \"/etc/b/x.conf\" could not be read: ")) << all[0];
  EXPECT_TRUE(all[1].starts_with("Included file \"/etc/b/y.conf\" could not be read: ")) << all[1];
}

TEST(Include, MayBeEmpty) {
  EXPECT_EQ(refusal("[supervisord]\n[include]\nfiles=\n"), "");
}

TEST(Include, RefusesBrokenFiles) {
  test::FakeHost host;
  host.files["/etc/x"] = "a=b\n";
  EXPECT_EQ(refusal(host, "[supervisord]\n[include]\nfiles=x\n"),
            "File contains no section headers.\nfile: '/etc/x', line: 1\n'a=b\\n'");
}

}  // namespace
}  // namespace sup::config
