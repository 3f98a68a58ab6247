// Requests in, responses out, with an operation table and a process table made by hand.
#include "web/classic.h"

#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <set>

#include "http/format.h"
#include "http/uri.h"
#include "web/files.h"
#include "web/origin.h"

namespace sup::web {
namespace {

using api::FaultCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct StillClock final : Clock {
  [[nodiscard]] Now now() const override { return {Time(), WallTime(std::chrono::seconds(1793580000))}; }
};

struct MemoryLog final : Log {
  std::vector<std::string> lines;
  void write(Level, std::string_view message) override { lines.emplace_back(message); }
  [[nodiscard]] bool wants(Level) const override { return true; }
};

struct Answered {
  std::optional<http::Response> response;
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : response->headers) {
      if (key == name) return value;
    }
    return "none";
  }
};

class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(http::Request request, std::shared_ptr<Answered> answered)
      : request_(std::move(request)), answered_(std::move(answered)) {}
  [[nodiscard]] const http::Request& request() const override { return request_; }
  void reply(http::Response response) override {
    EXPECT_FALSE(answered_->response) << "answered twice";
    answered_->response = std::move(response);
  }
  void error(int status) override { reply(http::error_page(status)); }
  void begin(http::Response) override { FAIL(); }
  void chunk(std::string_view) override { FAIL(); }
  void end() override { FAIL(); }
  [[nodiscard]] std::size_t backlog() const override { return 0; }
  void when_taken(std::function<void()>) override {}
  void on_gone(std::function<void()>) override {}

 private:
  http::Request request_;
  std::shared_ptr<Answered> answered_;
};

http::Request make_request(std::string method, std::string target, http::Headers headers = {{"Host", "h:9001"}},
                           std::string body = {}) {
  return {std::move(method), std::move(target), std::move(headers), std::move(body)};
}

class ClassicTest : public ::testing::Test {
 protected:
  ClassicTest() {
    for (const auto& [group, name] : std::map<std::string, std::string>{{"cat", "cat"}, {"g", "a"}}) {
      config::Group config;
      config.name = group;
      config.processes.push_back(
          {name, std::make_shared<config::ProgramOptions>(), std::make_shared<config::InstanceOptions>(), {}});
      table_.add(std::make_shared<const config::Group>(std::move(config)), 1);
    }
  }

  // An operation that remembers its calls and answers `answer`, or later when that is empty.
  void add(std::string_view name, std::vector<api::Parameter> parameters, std::optional<api::Answer<api::Value>> answer) {
    operations_.add({name, "", std::move(parameters), {"boolean"},
                     [this, name, answer](std::span<const api::Value> args, api::Reply reply) {
                       std::string call(name.substr(name.find('.') + 1));
                       for (const api::Value& arg : args) {
                         call += " " + (arg.string() != nullptr ? *arg.string() : std::to_string(*arg.integer()));
                       }
                       calls_.push_back(call);
                       if (answer) return reply(*answer);
                       waiting_.push_back(std::move(reply));
                     }});
  }
  void add_one(std::string_view name, std::optional<api::Answer<api::Value>> answer) {
    add(name, {{"string", "name", ""}}, std::move(answer));
  }

  std::shared_ptr<Answered> ask(http::Request request) {
    auto answered = std::make_shared<Answered>();
    pages_.handle(std::make_shared<FakeExchange>(std::move(request), answered));
    return answered;
  }
  std::shared_ptr<Answered> get(std::string target) { return ask(make_request("GET", std::move(target))); }

  // The message that an action redirects to.
  std::string message(std::string target) {
    const auto answered = get(std::move(target));
    if (!answered->response) return "no answer";
    const std::string location = answered->header("Location");
    const std::string start = "http://h:9001/?message=";
    EXPECT_EQ(answered->response->status, 303);
    EXPECT_TRUE(location.starts_with(start)) << location;
    return http::unquote(location.substr(start.size()));
  }
  static std::unexpected<api::Fault> fault(FaultCode code, std::string_view extra) {
    return std::unexpected(api::make_fault(code, extra));
  }

  StillClock clock_;
  MemoryLog log_;
  api::OperationTable operations_;
  engine::Table table_;
  std::vector<std::string> calls_;
  std::vector<api::Reply> waiting_;
  Classic pages_{{operations_, table_, clock_}, log_};
};

TEST_F(ClassicTest, every_spelling_of_the_root_is_the_status_page) {
  for (const char* target : {"/", "/index.html", "//index.html", "/index%2ehtml", "/?x=y", "/index.html;p?message=a", "/#f"}) {
    const auto answered = get(target);
    EXPECT_EQ(answered->response->status, 200) << target;
    EXPECT_THAT(answered->response->body, HasSubstr("tail.html?processname=g%3Aa")) << target;
  }
  EXPECT_THAT(get("/?message=a%3Cb")->response->body, HasSubstr("<div class=\"status_msg\">a&lt;b</div>"));
}

TEST_F(ClassicTest, pages_are_not_to_be_cached) {
  EXPECT_THAT(get("/")->response->headers,
              ElementsAre(std::pair("Content-Type", "text/html;charset=utf-8"), std::pair("Pragma", "no-cache"),
                          std::pair("Cache-Control", "no-cache"), std::pair("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")));
}

TEST_F(ClassicTest, ok_is_ok) {
  EXPECT_EQ(get("/ok.html")->response->body, "OK");
  EXPECT_EQ(get("/ok.html")->header("Content-Type"), "text/plain");
}

TEST_F(ClassicTest, an_action_redirects_and_must_not_be_stored) {
  const auto answered = get("/index.html?action=refresh");
  EXPECT_EQ(answered->response->status, 303);
  EXPECT_EQ(answered->header("Cache-Control"), "no-store");
  EXPECT_THAT(message("/?action=refresh"), HasSubstr("Page refreshed at "));
  EXPECT_THAT(message("/?action=refresh"), ::testing::EndsWith(" 2026"));
}

TEST_F(ClassicTest, the_redirect_leads_to_the_host_the_client_named) {
  const std::map<std::string, std::string> expected{
      {"a.b:80", "http://a.b/"}, {"a.b:8080", "http://a.b:8080/"}, {"[::1]:9001", "http://[::1]:9001/"}, {"[::1]", "http://[::1]/"},
      {"", "/"}, {"a b", "/"}, {"a/b", "/"}, {"a@b", "/"}, {"a:b", "/"}, {"<unix>", "/"}, {"[::1", "/"}, {"a\"b", "/"}};
  for (const auto& [host, start] : expected) {
    const auto answered = ask(make_request("GET", "/?action=refresh", {{"host", host}}));
    EXPECT_TRUE(answered->header("Location").starts_with(start + "?message=")) << host << ": " << answered->header("Location");
  }
}

TEST_F(ClassicTest, start_says_how_it_came_out) {
  add_one("supervisor.startProcess", true);
  EXPECT_EQ(message("/index.html?processname=cat&action=start"), "Process cat started");
  EXPECT_EQ(message("/index.html?processname=g:a&action=start"), "Process g:a started");
  EXPECT_THAT(calls_, ElementsAre("startProcess cat", "startProcess g:a"));
}

TEST_F(ClassicTest, faults_of_start_have_their_own_words) {
  const std::map<FaultCode, std::string> expected{{FaultCode::no_file, "no such file"},
                                                  {FaultCode::not_executable, "file not executable"},
                                                  {FaultCode::already_started, "already started"},
                                                  {FaultCode::spawn_error, "spawn error"},
                                                  {FaultCode::abnormal_termination, "abnormal termination"},
                                                  {FaultCode::failed, "unexpected rpc fault [30] FAILED: x"}};
  add_one("supervisor.startProcess", {});
  for (const auto& [code, words] : expected) {
    const auto answered = get("/?action=start&processname=cat");
    EXPECT_FALSE(answered->response);
    waiting_.back()(fault(code, "x"));
    EXPECT_EQ(http::unquote(answered->header("Location")), "http://h:9001/?message=ERROR: Process cat: " + words);
  }
}

TEST_F(ClassicTest, stop_and_clear_say_how_they_came_out) {
  add_one("supervisor.stopProcess", fault(FaultCode::not_running, "cat"));
  add_one("supervisor.clearProcessLogs", true);
  EXPECT_EQ(message("/?action=stop&processname=cat"), "unexpected rpc fault [70] NOT_RUNNING: cat");
  EXPECT_EQ(message("/?action=clearlog&processname=cat"), "Log for cat cleared");
}

TEST_F(ClassicTest, the_answer_waits_for_the_operation) {
  add_one("supervisor.stopProcess", {});
  const auto answered = get("/?action=stop&processname=cat");
  ASSERT_FALSE(answered->response);
  waiting_.at(0)(api::Value(true));
  EXPECT_EQ(http::unquote(answered->header("Location")), "http://h:9001/?message=Process cat stopped");
}

TEST_F(ClassicTest, restart_starts_whatever_becomes_of_stop) {
  add_one("supervisor.stopProcess", fault(FaultCode::not_running, "cat"));
  add_one("supervisor.startProcess", fault(FaultCode::spawn_error, "cat"));
  EXPECT_EQ(message("/?action=restart&processname=cat"), "Process cat restarted");
  EXPECT_THAT(calls_, ElementsAre("stopProcess cat", "startProcess cat"));
}

TEST_F(ClassicTest, all_are_stopped_and_started_in_turn) {
  add("supervisor.stopAllProcesses", {}, {});
  add("supervisor.startAllProcesses", {}, api::Value(api::Array{}));
  const auto answered = get("/?action=restartall");
  EXPECT_THAT(calls_, ElementsAre("stopAllProcesses"));
  EXPECT_FALSE(answered->response);
  waiting_.at(0)(api::Value(api::Array{}));
  EXPECT_THAT(calls_, ElementsAre("stopAllProcesses", "startAllProcesses"));
  EXPECT_THAT(http::unquote(answered->header("Location")), HasSubstr("All restarted at "));
  const auto stopped = get("/?action=stopall");
  waiting_.at(1)(api::Value(api::Array{}));
  EXPECT_THAT(http::unquote(stopped->header("Location")), HasSubstr("All stopped at "));
}

TEST_F(ClassicTest, without_operations_pages_are_shown_and_actions_say_why_not) {
  EXPECT_EQ(get("/")->response->status, 200);
  EXPECT_EQ(message("/?action=start&processname=cat"), "ERROR: Process cat: unexpected rpc fault [1] UNKNOWN_METHOD");
  for (const char* action : {"stop", "restart", "clearlog", "stopall", "restartall"}) {
    EXPECT_EQ(message("/?processname=cat&action=" + std::string(action)), "unexpected rpc fault [1] UNKNOWN_METHOD") << action;
  }
  EXPECT_THAT(get("/tail.html?processname=cat")->response->body,
              HasSubstr("<pre>ERROR: unexpected rpc fault [1] UNKNOWN_METHOD</pre>"));
}

TEST_F(ClassicTest, unknown_processes_are_named) {
  for (const char* name : {"nope", "g", "g:b", "g:*", "g:", "cat:dog", ":"}) {
    EXPECT_EQ(message("/?action=start&processname=" + std::string(name)), "No such process named " + std::string(name));
  }
  EXPECT_EQ(message("/?action=start&processname=a%0d%0aSet-Cookie:+x"), "No such process named a\r\nSet-Cookie: x");
  EXPECT_THAT(calls_, IsEmpty());
}

TEST_F(ClassicTest, unknown_actions_are_an_error) {
  for (const char* query : {"action=foo", "action=foo&processname=cat", "action=start", "action=Start&processname=cat"}) {
    EXPECT_EQ(get("/?" + std::string(query))->response->status, 500) << query;
  }
}

TEST_F(ClassicTest, a_posted_form_counts) {
  add_one("supervisor.startProcess", true);
  const auto answered = ask(make_request("POST", "/index.html?action=start&processname=nope", {{"Host", "h:9001"}},
                                         "processname=cat"));
  EXPECT_EQ(http::unquote(answered->header("Location")), "http://h:9001/?message=Process cat started");
}

TEST_F(ClassicTest, changes_that_another_site_asks_for_are_refused) {
  add_one("supervisor.startProcess", true);
  const auto status = [this](http::Headers headers, const char* target = "/?action=start&processname=cat") {
    headers.insert(headers.begin(), {"Host", "h:9001"});
    return ask(make_request("GET", target, std::move(headers)))->response->status;
  };
  const std::vector<http::Headers> refused{{{"Sec-Fetch-Site", "cross-site"}},
                                           {{"sec-fetch-site", "Cross-Site"}, {"Origin", "http://h:9001"}},
                                           {{"Origin", "http://evil"}},
                                           {{"Origin", "null"}},
                                           {{"Origin", "http://h.evil:9001"}},
                                           {{"Referer", "http://evil/http://h:9001/"}},
                                           {{"Referer", "http://h:9001@evil/"}},
                                           {{"Origin", "http://evil"}, {"Referer", "http://h:9001/"}},
                                           {{"Sec-Purpose", "prefetch;prerender"}, {"Sec-Fetch-Site", "none"}}};
  for (const http::Headers& headers : refused) {
    EXPECT_EQ(status(headers), 403) << headers[0].first << ": " << headers[0].second;
  }
  EXPECT_THAT(calls_, IsEmpty());
  EXPECT_EQ(log_.lines.size(), refused.size());
  EXPECT_EQ(log_.lines[2], "refused the web page's 'start': it comes from another site, 'http://evil'");
  for (const http::Headers& headers : std::vector<http::Headers>{{},
                                                                {{"Sec-Fetch-Site", "same-origin"}},
                                                                {{"Sec-Fetch-Site", "none"}},
                                                                {{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://o.h"}},
                                                                {{"Origin", "http://h:9001"}},
                                                                {{"Origin", "https://H"}},
                                                                {{"Referer", "http://h:9001/index.html?x=http://evil"}},
                                                                {{"Origin", "https://outer"},
                                                                 {"X-Forwarded-Host", "outer, inner"}}}) {
    EXPECT_EQ(status(headers), 303) << (headers.empty() ? "no header" : headers[0].first + ": " + headers[0].second);
  }
  for (const char* target : {"/", "/?message=x", "/?action=refresh", "/tail.html?processname=cat", "/images/icon.png"}) {
    EXPECT_NE(status({{"Sec-Fetch-Site", "cross-site"}}, target), 403) << target;
  }
}

TEST_F(ClassicTest, every_action_that_changes_something_is_guarded) {
  for (const char* action : {"start", "stop", "restart", "clearlog", "stopall", "restartall"}) {
    const auto answered = ask(make_request("POST", "/", {{"Host", "h"}, {"Origin", "http://evil"}},
                                           "processname=cat&action=" + std::string(action)));
    EXPECT_EQ(answered->response->status, 403) << action;
  }
}

TEST_F(ClassicTest, a_form_has_a_largest_size) {
  const std::string field = "action=refresh&x=";
  const auto post = [&](std::size_t size) {
    return ask(make_request("POST", "/", {{"Host", "h"}}, field + std::string(size - field.size(), 'x')))->response->status;
  };
  EXPECT_EQ(post(64 * 1024), 303);
  EXPECT_EQ(post(64 * 1024 + 1), 413);
}

TEST_F(ClassicTest, the_tail_page_reads_at_least_a_kilobyte) {
  add("supervisor.readProcessStdoutLog", {{"string", "n", ""}, {"int", "o", ""}, {"int", "l", ""}}, api::Value("a <log>"));
  EXPECT_THAT(get("/tail.html?processname=g:a")->response->body,
              AllOf(HasSubstr("<pre>a &lt;log&gt;</pre>"), HasSubstr("limit=1024")));
  for (const char* limit : {"5000", "5", "-7", "x", "99999999999999999999999"}) {
    (void)get("/tail.html?processname=cat&limit=" + std::string(limit));
  }
  EXPECT_THAT(calls_, ElementsAre("readProcessStdoutLog g:a -1024 0", "readProcessStdoutLog cat -5000 0",
                                  "readProcessStdoutLog cat -1024 0", "readProcessStdoutLog cat -1024 0",
                                  "readProcessStdoutLog cat -1024 0", "readProcessStdoutLog cat -1048576 0"));
}

TEST_F(ClassicTest, the_tail_page_says_why_there_is_no_log) {
  add("supervisor.readProcessStdoutLog", {{"string", "n", ""}, {"int", "o", ""}, {"int", "l", ""}}, {});
  EXPECT_THAT(get("/tail.html")->response->body, HasSubstr("<pre>No process name found</pre>"));
  const auto missing = get("/tail.html?processname=cat");
  waiting_.at(0)(fault(FaultCode::no_file, "/x"));
  EXPECT_THAT(missing->response->body, HasSubstr("<pre>No file for cat</pre>"));
  const auto unknown = get("/tail.html?processname=%3Cx");
  waiting_.at(1)(fault(FaultCode::bad_name, "<x"));
  EXPECT_THAT(unknown->response->body, HasSubstr("<pre>ERROR: unexpected rpc fault [10] BAD_NAME: &lt;x</pre>"));
}

TEST_F(ClassicTest, files_have_their_types) {
  const std::map<std::string, std::string> types{{"/stylesheets/supervisor.css", "text/css"},
                                                 {"/images/icon.png", "image/png"},
                                                 {"/images/supervisor.gif", "image/gif"},
                                                 {"/images/rule.gif", "image/gif"},
                                                 {"/images/state0.gif", "image/gif"},
                                                 {"/images/state1.gif", "image/gif"},
                                                 {"/images/state2.gif", "image/gif"},
                                                 {"/images/state3.gif", "image/gif"},
                                                 {"/status.html", "text/html"}};
  for (const auto& [path, type] : types) {
    const auto answered = get(path);
    EXPECT_EQ(answered->response->status, 200) << path;
    EXPECT_EQ(answered->header("Content-Type"), type) << path;
    EXPECT_EQ(answered->header("Content-Length"), std::to_string(answered->response->body.size())) << path;
    EXPECT_EQ(answered->header("Last-Modified"), http::format_date(classic_files_time)) << path;
  }
  EXPECT_TRUE(get("/images/icon.png")->response->body.starts_with("\x89PNG\r\n\x1a\n"));
}

TEST_F(ClassicTest, a_raw_template_is_there_for_head) {
  const auto answered = ask(make_request("HEAD", "/tail.html"));
  EXPECT_EQ(answered->response->status, 200);
  EXPECT_EQ(answered->header("Content-Length"), std::to_string(find_file("tail.html")->bytes.size()));
  EXPECT_EQ(ask(make_request("HEAD", "/"))->response->status, 404);
}

TEST_F(ClassicTest, paths_stay_inside) {
  const std::map<std::string, int> expected{
      {"/images/../status.html", 200}, {"/../../status.html", 200},    {"/%2e%2e/status.html", 200},
      {"/../classic/status.html", 404}, {"/../../etc/passwd", 404},    {"/..", 301},
      {"/images", 301},                {"/images/", 404},             {"/stylesheets", 301},
      {"/image", 404},                 {"/images/nope", 404},         {"/status.html?x", 200},
      {"/status.html;x", 200},         {"/./", 404},                  {"/\\..\\status.html", 404}};
  for (const auto& [path, status] : expected) EXPECT_EQ(get(path)->response->status, status) << path;
  EXPECT_EQ(get("/images")->header("Location"), "http://h:9001/images/");
  EXPECT_EQ(get("/x%0d%0aA:b/../images")->header("Location"), "http://h:9001/x%0D%0AA%3Ab/../images/");
  EXPECT_EQ(ask(make_request("GET", "//images", {}))->header("Location"), "/images/");
}

TEST_F(ClassicTest, what_has_not_changed_is_not_sent_again) {
  const auto status = [this](const std::string& since) {
    return ask(make_request("GET", "/images/rule.gif", {{"If-Modified-Since", since}}))->response->status;
  };
  const std::string size = std::to_string(find_file("images/rule.gif")->bytes.size());
  const std::string built = http::format_date(classic_files_time);
  EXPECT_EQ(status(built), 304);
  EXPECT_EQ(status(http::format_date(classic_files_time - 1)), 200);
  EXPECT_EQ(status(http::format_date(classic_files_time + 100)), 304);
  EXPECT_EQ(status(built + "; length=" + size), 304);
  EXPECT_EQ(status(built + "; length=1"), 200);
  EXPECT_EQ(status("Sunday, 06-Nov-94 08:49:37 GMT"), 200);
  EXPECT_EQ(status("Friday, 06-Nov-65 08:49:37 GMT"), 304);
  EXPECT_EQ(status("Sun Nov  6 08:49:37 2061"), 304);
  EXPECT_EQ(status("yesterday"), 200);
}

TEST_F(ClassicTest, other_methods_are_bad_requests) {
  for (const char* method : {"PUT", "OPTIONS", "DELETE", "get"}) {
    EXPECT_EQ(ask(make_request(method, "/"))->response->status, 400) << method;
  }
  EXPECT_EQ(ask(make_request("POST", "/status.html"))->response->status, 400);
}

TEST(Files, are_there_under_every_name_once) {
  std::set<std::string_view> names;
  for (const File& file : classic_files) {
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    EXPECT_TRUE(names.insert(file.path).second) << file.path;
  }
  EXPECT_EQ(names.size(), 10U);
}

}  // namespace
}  // namespace sup::web
