// Forms, escapes and pages as text.
#include "web/pages.h"

#include <gmock/gmock.h>

#include "web/actions.h"
#include "web/form.h"
#include "web/html.h"

namespace sup::web {
namespace {

using process::State;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Form, takes_the_first_of_the_query_and_the_last_of_the_body_which_wins) {
  const Form form = parse_form("action=a&action=b&processname=q&message=m", "processname=x&processname=y");
  EXPECT_EQ(form.action, "a");
  EXPECT_EQ(form.processname, "y");
  EXPECT_EQ(form.message, "m");
  EXPECT_EQ(form.limit, "");
}

TEST(Form, decodes_names_and_values) {
  const Form form = parse_form("%61ction=re%66resh&message=a+b%2Bc%3d%26&processname=%C3%A9%zz", "");
  EXPECT_EQ(form.action, "refresh");
  EXPECT_EQ(form.message, "a b+c=&");
  EXPECT_EQ(form.processname, "é%zz");
}

TEST(Form, keeps_no_empty_values_and_no_unknown_names) {
  const Form form = parse_form("&&action=&message&=x&other=1&action=stop&action=", "action=");
  EXPECT_EQ(form.action, "stop");
  EXPECT_EQ(form.message, "");
}

TEST(Form, replaces_what_is_no_text) {
  EXPECT_EQ(parse_form("message=a%FFb%00c", "").message, "a\xEF\xBF\xBD" "b\xEF\xBF\xBD" "c");
}

TEST(Quote, leaves_what_python_leaves) {
  EXPECT_EQ(quote("aZ09_.-~/ :%?é\n"), "aZ09_.-~/%20%3A%25%3F%C3%A9%0A");
}

TEST(Html, escapes_text_and_attributes) {
  EXPECT_EQ(escape_text("<a href=\"x\">&'"), "&lt;a href=\"x\"&gt;&amp;'");
  EXPECT_EQ(escape_attribute("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;'");
  EXPECT_EQ(escape_text("\x1b[1m\xff"), "\xEF\xBF\xBD[1m\xEF\xBF\xBD");
}

TEST(Html, fills_templates_once) {
  EXPECT_EQ(fill("{{a}}-{{b}}-{{c}}-{{a}} {{", {{"a", "{{b}}"}, {"b", "2"}}), "{{b}}-2-{{c}}-{{b}} {{");
}

TEST(Ctime, pads_the_day_with_a_blank) {
  const std::string text = format_ctime(WallTime(std::chrono::seconds(1793580000)));
  ASSERT_EQ(text.size(), 24U) << text;
  EXPECT_EQ(text.substr(20), "2026");
  EXPECT_THAT(text, HasSubstr("Nov  "));
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(StatusPage, says_that_there_is_nothing) {
  const std::string page = status_page({}, "", 2026);
  EXPECT_THAT(page, HasSubstr("<title>Supervisor Status</title>"));
  EXPECT_THAT(page, HasSubstr("No programs to manage"));
  EXPECT_THAT(page, HasSubstr("<div class=\"hidden\">#</div>"));
  EXPECT_THAT(page, HasSubstr("2006-<span>2026</span>"));
  EXPECT_THAT(page, Not(HasSubstr("<table")));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

TEST(StatusPage, offers_what_can_be_done_in_each_state) {
  struct Case {
    State state;
    const char* css;
    int starts, stops, hidden;
  };
  for (const Case& c : {Case{State::running, "statusrunning", 0, 1, 0}, Case{State::stopped, "statusnominal", 1, 0, 1},
                        Case{State::exited, "statusnominal", 1, 0, 1}, Case{State::fatal, "statuserror", 1, 0, 1},
                        Case{State::backoff, "statuserror", 0, 0, 2}, Case{State::starting, "statusnominal", 0, 0, 2},
                        Case{State::stopping, "statusnominal", 0, 0, 2}, Case{State::unknown, "statusnominal", 0, 0, 2}}) {
    const std::string page = status_page({{"x", c.state, "d"}}, "", 2026);
    SCOPED_TRACE(process::state_name(c.state));
    EXPECT_EQ(count(page, c.css), 1U);
    EXPECT_EQ(count(page, "action=start\" name=\"Start\">Start</a>"), static_cast<std::size_t>(c.starts));
    EXPECT_EQ(count(page, "action=stop\" name=\"Stop\">Stop</a>"), static_cast<std::size_t>(c.stops));
    EXPECT_EQ(count(page, "action=restart\" name=\"Restart\">Restart</a>"), static_cast<std::size_t>(c.stops));
    EXPECT_EQ(count(page, "<a class=\"hidden\" href=\"#\" name=\"#\">Action</a>"), static_cast<std::size_t>(c.hidden));
    EXPECT_EQ(count(page, "action=clearlog\" name=\"Clear Log\">Clear Log</a>"), 1U);
    EXPECT_EQ(count(page, "href=\"logtail/x\" name=\"Tail -f Stdout\" target=\"_blank\""), 1U);
    EXPECT_EQ(count(page, "href=\"logtail/x/stderr\" name=\"Tail -f Stderr\" target=\"_blank\""), 1U);
  }
}

TEST(StatusPage, shades_every_second_row) {
  const std::string page = status_page({{"a", State::running, ""}, {"b", State::running, ""}, {"c", State::running, ""}},
                                       "", 2026);
  EXPECT_EQ(count(page, "<tr class=\"\">"), 2U);
  EXPECT_EQ(count(page, "<tr class=\"shade\">"), 1U);
}

TEST(StatusPage, escapes_names_descriptions_and_the_message) {
  const std::string page = status_page({{"g&:<x>\"", State::fatal, "can't <exec> & \"so\""}}, "<script>\"&", 2026);
  EXPECT_THAT(page, HasSubstr(">g&amp;:&lt;x&gt;\"</a>"));
  EXPECT_THAT(page, HasSubstr("href=\"tail.html?processname=g%26%3A%3Cx%3E%22\" target=\"_blank\""));
  EXPECT_THAT(page, HasSubstr("<span>can't &lt;exec&gt; &amp; \"so\"</span>"));
  EXPECT_THAT(page, HasSubstr("<div class=\"status_msg\">&lt;script&gt;\"&amp;</div>"));
}

TEST(StatusPage, shows_braces_in_a_name_as_they_are) {
  EXPECT_THAT(status_page({{"{{year}}", State::running, ""}}, "{{version}}", 2026),
              AllOf(HasSubstr(">{{year}}</a>"), HasSubstr(">{{version}}</div>")));
}

TEST(TailPage, shows_the_log_and_a_link_with_the_same_limit) {
  const std::string page = tail_page("g:a", "<b> & \"text\"\n", 4096);
  EXPECT_THAT(page, HasSubstr("<title>Supervisor tail of process g:a</title>"));
  EXPECT_THAT(page, HasSubstr("<pre>&lt;b&gt; &amp; \"text\"\n</pre>"));
  EXPECT_THAT(page, HasSubstr("<a href=\"tail.html?processname=g%3Aa&amp;limit=4096\">"));
}

TEST(TailPage, has_no_link_without_a_process) {
  const std::string page = tail_page("", "No process name found", 1024);
  EXPECT_THAT(page, HasSubstr("<title>Supervisor tail of process None</title>"));
  EXPECT_THAT(page, HasSubstr("<pre>No process name found</pre>"));
  EXPECT_THAT(page, Not(HasSubstr("<a ")));
}

TEST(Rows, are_sorted_by_group_and_name) {
  engine::Table table;
  for (const auto& [group, names] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"zoo", {"zoo"}}, {"g", {"b", "a"}}}) {
    config::Group config;
    config.name = group;
    for (const std::string& name : names) {
      config.processes.push_back({name, std::make_shared<config::ProgramOptions>(),
                                  std::make_shared<config::InstanceOptions>(), {}});
    }
    table.add(std::make_shared<const config::Group>(std::move(config)), 1);
  }
  engine::Entry* zoo = table.group("zoo")->find("zoo");
  zoo->machine.state = State::running;
  zoo->machine.pid = 42;
  zoo->start = WallTime(std::chrono::seconds(1000));
  const std::vector<Row> rows = rows_of(table, WallTime(std::chrono::seconds(1065)));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].name, "g:a");
  EXPECT_EQ(rows[0].description, "Not started");
  EXPECT_EQ(rows[1].name, "g:b");
  EXPECT_EQ(rows[2].name, "zoo");
  EXPECT_EQ(rows[2].description, "pid 42, uptime 0:01:05");
}

}  // namespace
}  // namespace sup::web
