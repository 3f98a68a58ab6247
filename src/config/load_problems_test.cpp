#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/load.h"
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

// ---- problems: the text of the file, and the one message Supervisor has for it

struct Bad {
  const char* text;  // behind [supervisord] and a line end
  const char* message;
  friend void PrintTo(const Bad& c, std::ostream* out) { *out << testing::PrintToString(std::string(c.text)); }
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
            "Format string '***' for 'environment' contains names ('nope') which cannot be expanded. "
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
        Bad{"[eventlistener:e]\ncommand=c\nevents=TICK\nretry_delay=-1",
            "[eventlistener:e] section sets invalid retry_delay (-1)"},
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
            "Format string '***' for 'unix_http_server.password' is badly formatted: "
            "%o format: an integer is required, not dict"},
        Bad{"[inet_http_server]", "section [inet_http_server] has no port value"},
        Bad{"[inet_http_server:x]\nport=abc", "not a valid port number: 'abc' "},
        Bad{"[inet_http_server]\nport=1\nusername=u",
            "Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, "
            "both the username and password must be specified"},
        Bad{"[inet_http_server]\nport=1\nheader_maxbytes=0", "invalid value for header_maxbytes: 0"},
        Bad{"[inet_http_server]\nport=1\nbody_maxdepth=1001", "invalid value for body_maxdepth: 1001"},
        Bad{"[unix_http_server]\nfile=s\nreply_timeout=soon", "invalid literal for int() with base 10: 'soon'"},
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

TEST(Problems, ShowTheirPlaceOnlyWhenTheyHaveOne) {
  Problem problem;
  problem.place = {std::make_shared<const std::string>("/x.conf"), 7};
  problem.hint = "did you mean y?";
  EXPECT_EQ(describe_place(problem), "  file /x.conf, line 7\n  hint: did you mean y?\n");
  problem.place.line = 0;
  EXPECT_EQ(describe_place(problem), "");
}

TEST(Problems, OfPluginsSayThatPythonCannotBeLoaded) {
  test::FakeHost host;
  host.files[main_file] = "[supervisord]\n[rpcinterface:x]\nsupervisor.rpcinterface_factory=a.b:c\n";
  EXPECT_EQ(load(main_file, host).error().front().hint,
            "Python code cannot be loaded: use supervisor.rpcinterface:make_main_rpcinterface, or remove this section");
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

}  // namespace
}  // namespace sup::config
