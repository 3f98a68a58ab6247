// What the server reads and writes: replies, connections that last, what is no good request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/test_server.h"

namespace sup::http {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string page_404 =
    "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n<p>Error code 404.\r\n"
    "<p>Message: Not Found.\r\n</body>\r\n";

// ---- the bytes of a reply

TEST_F(HttpServer, RepliesWithServerAndDateFirst) {
  open();
  EXPECT_EQ(
      without_date(ask_once(post("hi"))),
      "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n<hi>");
}

TEST_F(HttpServer, WritesSupervisorsErrorPages) {
  open();
  EXPECT_EQ(without_date(ask_once("GET /404 HTTP/1.1\r\n\r\n")),
            "HTTP/1.1 404 Not Found\r\nServer: Medusa/1.12\r\nDate: D\r\nContent-Length: 134\r\nContent-Type: "
            "text/html\r\n\r\n" +
                page_404);
}

TEST_F(HttpServer, HandsTheRequestOverAsSent) {
  open();
  ask_once("PUT /a%20b?c=%41&d HTTP/1.1\r\nX-One: a  b \r\ncontent-length: 2\r\n\r\nxy");
  EXPECT_EQ(last.method, "PUT");
  EXPECT_EQ(last.target, "/a%20b?c=%41&d");
  EXPECT_EQ(last.body, "xy");
  EXPECT_EQ(last.header("x-one"), "a  b");
  EXPECT_EQ(last.header("missing"), "");
}

TEST_F(HttpServer, HasNoBodyInRepliesToHead) {
  open();
  EXPECT_THAT(ask_once("HEAD /404 HTTP/1.1\r\n\r\n"),
              AllOf(HasSubstr("Content-Length: 134\r\n"), EndsWith("\r\n\r\n"), Not(HasSubstr("<head>"))));
}

TEST_F(HttpServer, NeverLetsAHeaderBreakTheHead) {
  open();
  Peer peer(path);
  peer.send("GET /later HTTP/1.1\r\n\r\n");
  spin();
  held[0]->reply({303, {{"Location", "http://h/?message=a\r\nSet-Cookie: b"}}, ""});
  spin();
  EXPECT_THAT(peer.take(), HasSubstr("Location: http://h/?message=a  Set-Cookie: b\r\n"));
}

// ---- how long a connection lasts

struct KeepAlive {
  const char* version;
  const char* header;
  bool closed;
  bool told;  // Connection: Keep-Alive in the reply
};

TEST_F(HttpServer, KeepsConnectionsByTheRules) {
  open();
  for (const auto& [version, header, closed, told] : {KeepAlive{" HTTP/1.1", "", false, false},
                                                      {" HTTP/1.1", "Connection: close\r\n", true, false},
                                                      {" HTTP/1.1", "Connection: Close\r\n", true, false},
                                                      {" HTTP/1.1", "Connection: keep-alive\r\n", false, false},
                                                      {" HTTP/1.0", "", true, false},
                                                      {" HTTP/1.0", "Connection: keep-alive\r\n", false, true},
                                                      {" HTTP/1.0", "Connection: Keep-Alive\r\n", false, true},
                                                      {"", "", true, false},
                                                      {"", "Connection: keep-alive\r\n", true, false}}) {
    bool is_closed = false;
    const std::string reply = ask_once(post("x", header, version), &is_closed);
    EXPECT_THAT(reply, EndsWith("<x>")) << version << header;
    EXPECT_EQ(is_closed, closed) << version << header;
    EXPECT_EQ(reply.find("\r\nConnection: Keep-Alive\r\n\r\n") != std::string::npos, told) << version << header;
    EXPECT_THAT(reply, StartsWith(*version != '\0' ? std::string(version).substr(1) : "HTTP/None"));
  }
}

TEST_F(HttpServer, ServesManyRequestsOnOneConnection) {
  open();
  Peer peer(path);
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(ask(peer, post(std::to_string(i))), EndsWith("<" + std::to_string(i) + ">"));
  EXPECT_EQ(requests, 5);
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  open();
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += post(std::to_string(i));
  const std::string replies = ask_once(all);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = replies.find("<" + std::to_string(i) + ">", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(HttpServer, HoldsPipelinedRequestsBackWhileOneIsAnswered) {
  open();
  Peer peer(path);
  EXPECT_EQ(ask(peer, "GET /later HTTP/1.1\r\n\r\n" + post("next")), "");
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(ask(peer, post("third")), "");
  held[0]->reply({200, {}, "first"});
  spin();
  EXPECT_THAT(peer.take(), testing::ContainsRegex("first.*<next>.*<third>"));
}

TEST_F(HttpServer, TakesRequestsInPiecesOfAnySize) {
  open();
  const std::string bytes = "\r\n" + post("hello", "X: y\r\n") + post("", "", "");
  Peer peer(path);
  std::string got;
  for (const char c : bytes)
    got += ask(peer, std::string_view(&c, 1));
  EXPECT_THAT(got, AllOf(HasSubstr("<hello>"), EndsWith("<>")));
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpServer, AnswersAClientThatHasClosedItsHalf) {
  open();
  Peer peer(path);
  peer.send("GET /later HTTP/1.1\r\n\r\n");
  peer.half_close();
  spin();
  held[0]->reply({200, {}, "still"});
  spin();
  EXPECT_THAT(peer.take(), EndsWith("still"));
  EXPECT_TRUE(peer.closed);
}

TEST_F(HttpServer, SendsLargeBodiesAsTheClientReads) {
  open();
  Peer peer(path);
  peer.send("GET /big HTTP/1.1\r\n\r\n" + post("after"));
  std::string got;
  for (int i = 0; i < 1000 && !got.ends_with("<after>"); ++i) {
    spin();
    got += peer.take();
  }
  EXPECT_GT(got.size(), 5'000'000u);
  EXPECT_THAT(got, EndsWith("<after>"));
}

// ---- what is no good request

TEST_F(HttpServer, ClosesWithoutAWordWhatIsNoRequestLine) {
  open();
  for (const auto* bytes : {"HELLO\r\n\r\n", "GET / HTTP/1.1 x\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", " GET /\r\n\r\n",
                            "\r\n\r\n", "GET / FTP/1.1\r\n\r\n", "\x16\x03\x01\x02\n\r\n\r\n"}) {
    bool closed = false;
    EXPECT_EQ(ask_once(bytes, &closed), "") << bytes;
    EXPECT_TRUE(closed) << bytes;
  }
  EXPECT_EQ(requests, 0);
}

TEST_F(HttpServer, RefusesWithAStatusAndCloses) {
  limits.body_bytes = 100;
  limits.header_bytes = 1000;
  open();
  const std::string long_value(2000, 'x');
  const std::vector<std::pair<std::string, std::string>> cases{
      {"POST /x HTTP/1.1\r\nConnection: close\r\n\r\n", "411 Length Required"},
      {"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411 Length Required"},
      {"POST /x HTTP/1.1\r\nContent-Length: abc\r\n\r\n", "500 Internal Server Error"},
      {"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "500 Internal Server Error"},
      {"POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "500 Internal Server Error"},
      {"POST /x HTTP/1.1\r\nContent-Length: 101\r\n\r\n", "413 Request Entity Too Large"},
      {"POST /x HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400 Bad Request"},
      {"GET /x HTTP/1.1\r\nno colon\r\n\r\n", "400 Bad Request"},
      {"GET /x HTTP/1.1\r\nbad name: 1\r\n\r\n", "400 Bad Request"},
      {"GET /x HTTP/1.1\r\nA: \x01\r\n\r\n", "400 Bad Request"},
      {"GET /x HTTP/1.1\n\n", "400 Bad Request"},
      {"GET /x HTTP/2.0\r\n\r\n", "505 HTTP Version not supported"},
      {"GET /" + long_value, "431 Request Header Fields Too Large"},
      {"GET / HTTP/1.1\r\nA: " + long_value, "431 Request Header Fields Too Large"},
      {"GET /\r\nA: " + long_value, "431 Request Header Fields Too Large"}};
  for (const auto& [bytes, status] : cases) {
    bool closed = false;
    EXPECT_THAT(ask_once(bytes, &closed), HasSubstr(" " + status + "\r\nServer: Medusa/1.12\r\n")) << bytes;
    EXPECT_TRUE(closed) << bytes;
  }
  EXPECT_EQ(requests, 0);
}

TEST_F(HttpServer, GoesOnAfterARefusalWhenItKnowsWhere) {
  open({"u", "p"});
  const std::string good = "GET /x HTTP/1.1\r\nAuthorization: Basic dTpw\r\n\r\n";
  for (const std::string bad :
       {"POST /x HTTP/1.1\r\nAuthorization: Basic dTpw\r\n\r\n", "GET /x HTTP/1.1\r\nAuthorization: Basic d\r\n\r\n",
        "HEAD /x HTTP/1.1\r\nAuthorization: Basic dXA=\r\n\r\n"}) {
    bool closed = true;
    EXPECT_THAT(ask_once(bad + good, &closed), EndsWith("<>")) << bad;
    EXPECT_FALSE(closed) << bad;
  }
}

TEST_F(HttpServer, CountsAllHeadersTogether) {
  limits.header_bytes = 1000;
  open();
  Peer peer(path);
  std::string got = ask(peer, "GET / HTTP/1.1\r\n");
  for (int i = 0; i < 100; ++i)
    got += ask(peer, "A: 0123456789\r\n");
  EXPECT_THAT(got, HasSubstr(" 431 "));
}

TEST_F(HttpServer, SurvivesWhateverItIsSent) {
  limits.body_bytes = 1000;
  limits.header_bytes = 500;
  open();
  const std::string seed = post("hello", "X: y\r\nConnection: keep-alive\r\n") + "GET /404 HTTP/1.0\r\n\r\n" +
                           post("a", "Transfer-Encoding: chunked\r\n") + post("b", "", "");
  const std::string_view spice = " \r\n:/0\t\0;%x\xFF-";
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seed.substr(below(seed.size()) * (round % 2));
    for (std::size_t i = below(8); i > 0; --i) {
      const std::size_t at = below(bytes.size());
      switch (below(3)) {
        case 0:
          bytes[at] = spice[below(spice.size())];
          break;
        case 1:
          bytes.erase(at, below(5));
          break;
        default:
          bytes.insert(at, bytes.substr(below(bytes.size()), below(40)));
      }
      if (bytes.empty()) bytes = "x";
    }
    Peer peer(path);
    const std::size_t cut = below(bytes.size());
    ask(peer, std::string_view(bytes).substr(0, cut));
    ask(peer, std::string_view(bytes).substr(cut));
    if (round % 3 == 0) peer.half_close();
    spin();
  }
  EXPECT_THAT(ask_once(post("alive")), EndsWith("<alive>"));
}

TEST_F(HttpServer, AnswersAnErrorForAHandlerThatForgetsOrThrows) {
  open();
  EXPECT_THAT(ask_once("GET /drop HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 500 Internal Server Error"));
  EXPECT_THAT(ask_once("GET /throw HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 500 Internal Server Error"));
  EXPECT_THAT(log.lines, ElementsAre("unix_http_server:Server Error: oops"));
}

// ---- the log

TEST_F(HttpServer, LogsAccessAtTraceLevel) {
  log.lowest = Level::trace;
  open();
  ask_once("GET /404?x HTTP/1.1\r\n\r\n");
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(std::regex_match(
      log.lines[0],
      std::regex(
          R"(localhost:0 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /404\?x HTTP/1.1" 404 264)")))
      << log.lines[0];
}

}  // namespace
}  // namespace sup::http
