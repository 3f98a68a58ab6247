#include "config/option_names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/diff.h"
#include "config/load.h"
#include "config/spelling.h"
#include "support/fake_host.h"

namespace sup::config {
namespace {

constexpr const char* main_file = "/etc/s.conf";

// The file's options from the table that stand for a default rather than an example.
std::string defaults_of(SectionKind kind) {
  const std::vector<std::string_view> examples{"directory", "user",   "umask",          "serverurl",    "environment",
                                               "events",    "socket", "socket_backlog", "socket_owner", "socket_mode"};
  std::string text;
  for (const auto& option : options_of(kind)) {
    const bool example = std::find(examples.begin(), examples.end(), option.name) != examples.end();
    if (!example) text += std::string(option.name) + "=" + std::string(option.value) + "\n";
  }
  return text;
}

Config loaded(const std::string& text) {
  test::FakeHost host;
  host.files[main_file] = text;
  auto config = load(main_file, host);
  if (config) return std::move(*config);
  ADD_FAILURE() << config.error().front().message;
  return {};
}

TEST(OptionTable, HasTheDefaultsOfTheLoader) {
  for (const auto kind : {SectionKind::program, SectionKind::eventlistener, SectionKind::fcgi_program}) {
    const std::string section = kind == SectionKind::program         ? "[program:x]\n"
                                : kind == SectionKind::eventlistener ? "[eventlistener:x]\nevents=EVENT\n"
                                                                     : "[fcgi-program:x]\nsocket=tcp://a:1\n";
    std::string written = defaults_of(kind);
    // A pool is started before everything else, its processes are not.
    if (kind == SectionKind::eventlistener) written += "priority=-1\n";
    auto plain = loaded("[supervisord]\n" + section + "command=/bin/cat\n");
    auto explicit_ones = loaded("[supervisord]\n" + section + written);
    ASSERT_EQ(plain.groups.size(), 1U);
    ASSERT_EQ(explicit_ones.groups.size(), 1U);
    if (kind == SectionKind::eventlistener) {
      EXPECT_EQ(*plain.groups[0]->pool, *explicit_ones.groups[0]->pool);
    } else {
      EXPECT_TRUE(same(*plain.groups[0], *explicit_ones.groups[0]));
    }
  }
}

TEST(OptionTable, HasTheDefaultsOfTheDaemon) {
  const auto plain = loaded("[supervisord]\n").daemon;
  const auto written = loaded("[supervisord]\n" + defaults_of(SectionKind::supervisord)).daemon;
  EXPECT_EQ(plain.minfds, written.minfds);
  EXPECT_EQ(plain.minprocs, written.minprocs);
  EXPECT_EQ(plain.logfile, written.logfile);
  EXPECT_EQ(plain.logfile_maxbytes, written.logfile_maxbytes);
  EXPECT_EQ(plain.logfile_backups, written.logfile_backups);
  EXPECT_EQ(plain.loglevel, written.loglevel);
  EXPECT_EQ(plain.pidfile, written.pidfile);
  EXPECT_EQ(plain.identifier, written.identifier);
  EXPECT_EQ(plain.nodaemon, written.nodaemon);
  EXPECT_EQ(plain.childlogdir, written.childlogdir);
}

TEST(OptionTable, HasNoNameTwice) {
  for (const auto& info : known_sections()) {
    auto rows = options_of(info.kind);
    EXPECT_FALSE(rows.empty()) << info.name;
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < rows.size(); ++i)
      EXPECT_NE(rows[i - 1].name, rows[i].name) << info.name;
  }
}

TEST(OptionTable, KnowsSectionsAsSupervisorDoes) {
  EXPECT_EQ(section_info("program:x")->kind, SectionKind::program);
  EXPECT_EQ(section_info("fcgi-program:x")->kind, SectionKind::fcgi_program);
  EXPECT_EQ(section_info("unix_http_server:x")->kind, SectionKind::unix_http_server);
  EXPECT_EQ(section_info("inet_http_server2")->kind, SectionKind::inet_http_server);
  EXPECT_EQ(section_info("supervisord")->kind, SectionKind::supervisord);
  for (const auto* name : {"program", "supervisord:x", "Program:x", " program:x", "programs:x", ""}) {
    EXPECT_EQ(section_info(name), nullptr) << name;
  }
}

TEST(Spelling, FindsTheNearestNameButNotJustAnyName) {
  const std::vector<std::string_view> known{"autostart", "autorestart", "startsecs"};
  EXPECT_EQ(nearest("autostrat", known), "autostart");
  EXPECT_EQ(nearest("auto_restart", known), "autorestart");
  EXPECT_EQ(nearest("startsec", known), "startsecs");
  EXPECT_EQ(nearest("environment", known), "");
  EXPECT_EQ(nearest("", known), "");
}

// "LINE MESSAGE (HINT)" of each.
std::vector<std::string> unknown(const std::string& text) {
  test::FakeHost host;
  host.files[main_file] = text;
  std::vector<std::string> out;
  for (const auto& problem : unknown_names(main_file, host)) {
    out.push_back(std::to_string(problem.place.line) + " " + problem.message + " (" + problem.hint + ")");
  }
  return out;
}

TEST(UnknownNames, AreFoundWithTheirMeaning) {
  EXPECT_EQ(unknown("[supervisord]\nlog_file=x\n[program:x]\ncomand=y\nautorestart=true\n[programs:y]\ncommand=z\n"
                    "[ program:z]\n[supervisorctl]\nfile=x\n[nothing]\na=b\n[program:q]\nzzzzzz=1\n[groups]\n"),
            (std::vector<std::string>{"2 unknown option log_file in [supervisord] (did you mean logfile?)",
                                      "4 unknown option comand in [program:x] (did you mean command?)",
                                      "6 unknown section [programs:y] (did you mean [program:y]?)",
                                      "8 unknown section [ program:z] (did you mean [program:z]?)",
                                      "10 unknown option file in [supervisorctl] (it belongs into [unix_http_server])",
                                      "11 unknown section [nothing] ()", "14 unknown option zzzzzz in [program:q] ()",
                                      "15 unknown section [groups] (did you mean [group:NAME]?)"}));
}

TEST(UnknownNames, ArgumentsOfPluginsAndDefaultsAreFree) {
  EXPECT_TRUE(unknown("[DEFAULT]\nuser=x\n[supervisord]\n[rpcinterface:s]\nanything=1\n[ctlplugin:c]\nx=1\n").empty());
  EXPECT_EQ(unknown("[DEFAULT]\nusr=x\n").size(), 1U);
}

TEST(UnknownNames, AreFoundInIncludedFiles) {
  test::FakeHost host;
  host.files[main_file] = "[supervisord]\n[include]\nfiles=x\n";
  host.files["/etc/x"] = "[program:x]\ncomand=y\n";
  const auto found = unknown_names(main_file, host);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(*found[0].place.file, "/etc/x");
}

}  // namespace
}  // namespace sup::config
