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
  if (config.groups.size() == 1 && config.groups[0]->processes.size() == 1) return config.groups[0]->processes[0];
  ADD_FAILURE() << "not one process";
  return {"", std::make_shared<ProgramOptions>(), std::make_shared<InstanceOptions>(), {}};
}

// "group(process process) group(...)"
std::string names(const Config& config) {
  std::string out;
  for (const auto& group : config.groups) {
    out += (out.empty() ? "" : " ") + group->name + "(";
    for (const auto& process : group->processes)
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
  EXPECT_FALSE(daemon.nodaemon || daemon.silent || daemon.nocleanup || daemon.strip_ansi || daemon.adopt);
  EXPECT_FALSE(daemon.user || daemon.directory);
}

TEST(Daemon, ReadsEveryOption) {
  const auto daemon = loaded(
                          "[supervisord]\nminfds=1\nminprocs=2\ndirectory=~\nuser=chris\numask=007\n"
                          "logfile=%(here)s/log\nlogfile_maxbytes=1KB\nlogfile_backups=3\nloglevel=DEBUG\n"
                          "pidfile=/tmp/pid\nidentifier=%(ENV_PATH)s\nnodaemon=true\nsilent=on\n"
                          "childlogdir=/var/log\nnocleanup=1\nstrip_ansi=yes\nadopt=1\n"
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
  EXPECT_TRUE(daemon.nodaemon && daemon.silent && daemon.nocleanup && daemon.strip_ansi && daemon.adopt);
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
  EXPECT_EQ(process.instance->out.kind, LogTarget::Kind::file);
}

TEST(Program, AnAutomaticServerUrlIsNone) {
  EXPECT_EQ(only_process("serverurl=auto\n").program->serverurl, std::nullopt);
  EXPECT_EQ(only_process("serverurl=\n").program->serverurl, "");
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
  const auto& instance = *config.groups.at(0)->processes.at(0).instance;
  EXPECT_EQ(instance.environment, (Environment{{"A", "1"}, {"B", "4"}, {"C", "1"}}));
  EXPECT_EQ(instance.command, "141");
}

TEST(Program, MakesNumberedCopiesInTheOrderOfTheirNames) {
  const auto config = loaded(
      "[supervisord]\n[program:x]\ncommand=c %(process_num)d/%(numprocs)d\nnumprocs=3\nnumprocs_start=9\n"
      "process_name=%(program_name)s_%(process_num)d\n");
  EXPECT_EQ(names(config), "x(x_10 x_11 x_9)");
  EXPECT_EQ(config.groups[0]->processes[2].instance->command, "c 9/3");
  EXPECT_EQ(names(loaded("[supervisord]\n[program:x]\ncommand=c\nnumprocs=0\n")), "x()");
  EXPECT_EQ(names(loaded("[supervisord]\n[program:x]\ncommand=c\nnumprocs=-1\n")), "x()");
}

TEST(Program, SectionsShareWhatIsEqual) {
  const auto config = loaded(
      "[supervisord]\n[program:x]\ncommand=a\n[program:y]\ncommand=b\n[program:z]\ncommand=c\nstartsecs=7\n");
  const auto program = [&](std::size_t group) { return config.groups.at(group)->processes.at(0).program; };
  EXPECT_EQ(program(0), program(1));
  EXPECT_NE(program(0), program(2));
  EXPECT_EQ(program(2)->startsecs, 7);
}

TEST(Program, CopiesShareWhatIsEqual) {
  const auto copies = [](const std::string& options) {
    auto config = loaded("[supervisord]\n[program:x]\nnumprocs=3\nprocess_name=p%(process_num)d\n" + options);
    return config.groups.at(0)->processes;
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
  EXPECT_EQ(config.groups.at(0)->processes.at(0).program->startsecs, 7);
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
  EXPECT_EQ(config.groups[0]->processes[0].instance->command, "5");
  EXPECT_EQ(config.groups[1]->processes[0].instance->command, "3");
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
  EXPECT_EQ(config.groups[0]->priority, 5);
  EXPECT_EQ(config.groups[0]->processes[2].instance->command, "g");
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
  const auto& group = *config.groups.at(0);
  EXPECT_EQ(group.priority, -1);
  EXPECT_EQ(*group.pool, (Pool{3, {"TICK_5", "PROCESS_STATE"}}));
  EXPECT_EQ(group.processes.at(0).program->priority, 999);
  EXPECT_EQ(*loaded("[supervisord]\n[eventlistener:e]\ncommand=c\nevents=TICK\nlength_in_bytes=yes\n").groups.at(0)->pool,
            (Pool{10, {"TICK"}, true, 0}));
  EXPECT_EQ(loaded("[supervisord]\n[eventlistener:e]\ncommand=c\nevents=TICK\nretry_delay=5\n").groups.at(0)->pool->retry_delay, 5);
}

TEST(Groups, FcgiProgramsHaveASocket) {
  const auto config = loaded(
      "[supervisord]\n[fcgi-program:f]\ncommand=c\nsocket=unix:///tmp/../tmp/%(program_name)s\nuser=chris\n"
      "socket_mode=0660\nsocket_backlog=5\nnumprocs=2\nprocess_name=f%(process_num)d\n"
      "[fcgi-program:t]\ncommand=c\nsocket=tcp://Host:9000\n");
  const auto& socket = config.groups.at(0)->sockets;
  ASSERT_EQ(socket.size(), 2U);
  EXPECT_EQ(socket[1]->url, "unix:///tmp/f");
  EXPECT_EQ(socket[1]->path, "/tmp/f");
  EXPECT_TRUE(socket[1]->is_unix);
  EXPECT_EQ(socket[1]->mode, 0660U);
  EXPECT_EQ(*socket[1]->owner, (Owner{1000, 1001})) << "the program's user by default";
  EXPECT_EQ(socket[1]->backlog, 5);
  const auto& tcp = *config.groups.at(1)->sockets.at(0);
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
  const auto& sockets = config.groups[0]->sockets;
  ASSERT_EQ(sockets.size(), 3U);
  EXPECT_FALSE(sockets[0]);
  EXPECT_EQ(sockets[1]->path, "/tmp/f");
  EXPECT_FALSE(sockets[1]->owner) << "no user, so the file stays the daemon's";
  EXPECT_FALSE(sockets[2]);
}

// ---- servers

TEST(Servers, ReadTheirLimits) {
  const auto config = loaded(
      "[supervisord]\n[unix_http_server]\nfile=/s\n[inet_http_server]\nport=9001\nheader_maxbytes=1KB\n"
      "body_maxbytes=2MB\nbody_maxdepth=3\npipeline_maxbytes=4\nmemory_maxbytes=5\nmax_connections=6\nidle_timeout=7\n"
      "request_timeout=8\nreply_timeout=9\nallowed_hosts = a.example, B.example\n");
  EXPECT_EQ(config.unix_servers[0].limits, ServerLimits());
  EXPECT_EQ(config.inet_servers[0].limits, (ServerLimits{1024, 2 << 20, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(config.inet_servers[0].allowed_hosts, (std::vector<std::string>{"a.example", "B.example"}));
}

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
  EXPECT_EQ(config.groups[0]->processes[0].instance->command, "two");
  EXPECT_EQ(config.groups[0]->processes[0].program->startsecs, 1);
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
  EXPECT_EQ(config.groups[0]->processes[0].instance->command, "/etc");
  EXPECT_EQ(config.groups[1]->processes[0].instance->command, "/etc/b");
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
