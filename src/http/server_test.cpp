#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <regex>
#include <tuple>

#include "base/base64.h"
#include "http/host.h"
#include "http/output.h"

namespace sup::http {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Lines final : public Log {
 public:
  void write(Level, std::string_view message) override { lines.emplace_back(message); }
  [[nodiscard]] bool wants(Level level) const override { return level >= lowest; }
  std::vector<std::string> lines;
  Level lowest = Level::debug;
};

// A client's end of a connection, on the same thread as the server.
class Peer {
 public:
  explicit Peer(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    connected = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  void send(std::string_view bytes) { (void)::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // What has come since; `closed` tells whether the server has closed.
  std::string take() {
    std::string got;
    char buffer[65536];
    for (;;) {
      const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count == 0) closed = true;
      if (count <= 0) return got;
      got.append(buffer, static_cast<std::size_t>(count));
    }
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  bool connected = false;
  bool closed = false;

 private:
  UniqueFd fd_;
};

class HttpServer : public testing::Test {
 protected:
  HttpServer() {
    char pattern[] = "/tmp/http_test.XXXXXX";
    folder = mkdtemp(pattern);
    path = folder + "/s";
  }
  ~HttpServer() override { std::filesystem::remove_all(folder); }

  void open(Credentials credentials = {}) {
    auto listener = listen_unix(path, 0700, -1, -1, nullptr);
    ASSERT_TRUE(listener);
    if (!server)
      server.emplace(
          loop, [this](std::shared_ptr<Exchange> exchange) { serve(std::move(exchange)); }, log);
    server->serve(std::move(*listener), {std::move(credentials), limits, hosts}, "unix_http_server");
  }
  // Everything that can be done now is done.
  void spin() {
    loop.restart();
    while (loop.poll() > 0)
      continue;
  }
  std::string ask(Peer& peer, std::string_view bytes) {
    peer.send(bytes);
    spin();
    return peer.take();
  }
  std::string ask_once(std::string_view bytes, bool* closed = nullptr) {
    Peer peer(path);
    std::string got = ask(peer, bytes);
    if (closed != nullptr) *closed = peer.closed;
    return got;
  }

  void serve(std::shared_ptr<Exchange> exchange) {
    ++requests;
    const std::string& target = exchange->request().target;
    last = exchange->request();
    if (target == "/good") good_request = requests;
    if (target == "/later" || target == "/stream") {
      held.push_back(std::move(exchange));
    } else if (target == "/drop") {
    } else if (target == "/throw") {
      throw std::runtime_error("oops");
    } else if (target == "/big") {
      exchange->reply({200, {}, std::string(5'000'000, 'b')});
    } else if (target == "/close") {
      server->close();
      exchange->reply({200, {}, "bye"});
    } else if (target.starts_with("/404")) {
      exchange->error(404);
    } else {
      exchange->reply({200, {{"Content-Type", "text/plain"}}, "<" + exchange->request().body + ">"});
    }
  }

  boost::asio::io_context loop;
  Lines log;
  Limits limits;
  std::optional<std::vector<std::string>> hosts;
  std::string folder, path;
  std::vector<std::shared_ptr<Exchange>> held;
  Request last;
  int requests = 0;
  int good_request = 0;  // which one was for /good
  std::optional<Server> server;
};

std::string without_date(const std::string& text) {
  return std::regex_replace(
      text, std::regex("Date: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT"), "Date: D");
}

const std::string page_404 =
    "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n<p>Error code 404.\r\n"
    "<p>Message: Not Found.\r\n</body>\r\n";

std::string post(std::string_view body, std::string_view headers = "", std::string_view version = " HTTP/1.1") {
  return "POST /x" + std::string(version) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

std::string with_auth(std::string_view value) {
  return "GET /x HTTP/1.1\r\nAuthorization: " + std::string(value) + "\r\n\r\n";
}
std::string basic(std::string_view pair) {
  return with_auth("Basic " + base64_encode(pair));
}

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
  const std::string good = with_auth("Basic dTpw");
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

// ---- who may come in

TEST_F(HttpServer, ChallengesWhoHasNoCredentials) {
  open({"u", "p"});
  bool closed = false;
  EXPECT_THAT(
      without_date(ask_once("GET /x HTTP/1.1\r\n\r\n", &closed)),
      StartsWith(
          "HTTP/1.1 401 Unauthorized\r\nServer: Medusa/1.12\r\nDate: D\r\nConnection: close\r\n"
          "WWW-Authenticate: Basic realm=\"default\"\r\nContent-Length: 137\r\nContent-Type: text/html\r\n\r\n"));
  EXPECT_TRUE(closed);
  EXPECT_THAT(ask_once("POST /x HTTP/1.1\r\n\r\n"), HasSubstr(" 401 "));
  EXPECT_EQ(requests, 0);
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(HttpServer, LetsRightCredentialsInAndNoOthers) {
  open({"u", "p:q"});
  EXPECT_THAT(ask_once(basic("u:p:q")), HasSubstr(" 200 OK"));
  EXPECT_THAT(ask_once(with_auth("bAsIc " + base64_encode("u:p:q"))), HasSubstr(" 200 OK"));
  for (const auto* pair : {"u:p", "u:", ":", "x:p:q", "u:p:q ", "U:p:q"})
    EXPECT_THAT(ask_once(basic(pair)), HasSubstr(" 401 ")) << pair;
  EXPECT_THAT(ask_once(with_auth("Digest dTpw")), HasSubstr(" 401 "));
  EXPECT_THAT(ask_once(with_auth("Basic")), HasSubstr(" 401 "));
  EXPECT_THAT(ask_once(with_auth("Basic d")), HasSubstr(" 400 "));
  EXPECT_THAT(ask_once(basic("u:\xFF")), HasSubstr(" 400 "));
  EXPECT_THAT(ask_once(basic("up")), HasSubstr(" 500 "));
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpServer, ComparesHashedPasswords) {
  open({"u", "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d"});
  EXPECT_THAT(ask_once(basic("u:thepassword")), HasSubstr(" 200 OK"));
  EXPECT_THAT(ask_once(basic("u:other")), HasSubstr(" 401 "));
  EXPECT_THAT(ask_once(basic("u:{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d")), HasSubstr(" 401 "));
}

TEST_F(HttpServer, LogsWrongCredentialsButNotEveryTime) {
  open({"u", "p"});
  for (int i = 0; i < 20; ++i)
    ask_once(basic("u:x"));
  EXPECT_GE(log.lines.size(), 1u);
  EXPECT_LE(log.lines.size(), 3u);
  EXPECT_EQ(log.lines[0], "unix_http_server: wrong user name or password from localhost:0");
}

TEST_F(HttpServer, ReadsNoBodyOfAStranger) {
  open({"u", "p"});
  Peer peer(path);
  EXPECT_THAT(ask(peer, "POST /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(50'000, 'x')),
              HasSubstr(" 401 "));
  EXPECT_EQ(ask(peer, std::string(50'000, 'x')), "");  // swallowed, so that the client gets to read
  peer.half_close();
  spin();
  EXPECT_EQ(peer.take(), "");
}

// ---- streams

TEST_F(HttpServer, StreamsInChunks) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {{"Content-Type", "text/plain"}}, ""});
  spin();
  EXPECT_EQ(without_date(peer.take()),
            "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\nContent-Type: text/plain\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
  held[0]->chunk("0123456789abcdef");
  held[0]->chunk("");
  held[0]->chunk("x");
  EXPECT_EQ(peer.take(), "10\r\n0123456789abcdef\r\n1\r\nx\r\n");
  held[0]->end();
  EXPECT_EQ(peer.take(), "0\r\n\r\n");
  EXPECT_THAT(ask(peer, post("go on")), EndsWith("<go on>"));
}

TEST_F(HttpServer, StreamsToOldClientsUntilTheEnd) {
  open();
  for (const auto* bytes : {"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                            "GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
    Peer peer(path);
    peer.send(bytes);
    spin();
    held.back()->begin({200, {}, ""});
    held.back()->chunk("abc");
    EXPECT_THAT(peer.take(), AllOf(EndsWith(" GMT\r\n\r\nabc"), Not(HasSubstr("chunked")))) << bytes;
    held.back()->end();
    spin();
    EXPECT_EQ(peer.take(), "");
    EXPECT_TRUE(peer.closed) << bytes;
  }
}

TEST_F(HttpServer, TellsWhenAStreamsClientIsGone) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  int gone = 0;
  held[0]->on_gone([&] { ++gone; });
  held[0]->begin({200, {}, ""});
  held[0]->chunk("x");
  peer.close();
  spin();
  EXPECT_EQ(gone, 1);
  held[0]->chunk("y");  // harmless
  held[0]->end();
  spin();
  EXPECT_EQ(gone, 1);
}

TEST_F(HttpServer, TellsHowMuchAStreamsClientHasNotRead) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {}, ""});
  EXPECT_EQ(held[0]->backlog(), 0u);
  for (int i = 0; i < 100; ++i)
    held[0]->chunk(std::string(65536, 'x'));
  EXPECT_GT(held[0]->backlog(), 1'000'000u);
  std::size_t got = 0;
  for (int i = 0; i < 1000 && held[0]->backlog() > 0; ++i) {
    got += peer.take().size();
    spin();
  }
  EXPECT_EQ(held[0]->backlog(), 0u);
  EXPECT_GT(got + peer.take().size(), 100u * 65536);
}

TEST_F(HttpServer, CutsAStreamThatNobodyEnds) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {}, ""});
  held.clear();
  spin();
  peer.take();
  EXPECT_TRUE(peer.closed);
}

// ---- limits and ends

TEST_F(HttpServer, ClosesIdleConnections) {
  EXPECT_EQ(Limits().idle_seconds, 30 * 60);
  limits.idle_seconds = 0;
  open();
  Peer peer(path);
  spin();
  peer.take();
  EXPECT_TRUE(peer.closed);
}

TEST_F(HttpServer, ClosesConnectionsThatNeverFinishARequest) {
  limits.request_seconds = 0;
  open();
  Peer idle(path), slow(path);
  EXPECT_EQ(ask(slow, "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), "");
  spin();
  slow.take();
  EXPECT_TRUE(slow.closed);
  EXPECT_THAT(ask(idle, post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, HasNothingToWaitForWhenNobodyIsConnected) {
  open();
  { ask_once(post("x")); }
  spin();
  server->close();
  spin();
  loop.restart();
  EXPECT_EQ(loop.run(), 0u);  // returns: no timer is armed
}

TEST_F(HttpServer, MakesRoomForNewClients) {
  limits.connections = 2;
  open();
  Peer first(path), second(path);
  spin();
  EXPECT_THAT(ask(second, post("x")), EndsWith("<x>"));
  Peer third(path);
  EXPECT_THAT(ask(third, post("y")), EndsWith("<y>"));
  first.take();
  EXPECT_TRUE(first.closed);
  EXPECT_THAT(ask(second, post("z")), EndsWith("<z>"));
}

TEST_F(HttpServer, FinishesRepliesWhenClosed) {
  open();
  Peer idle(path), waiting(path), asking(path);
  waiting.send("GET /later HTTP/1.1\r\n\r\n");
  spin();
  EXPECT_THAT(ask(asking, "GET /close HTTP/1.1\r\n\r\n"), EndsWith("bye"));
  EXPECT_TRUE(asking.closed || (asking.take().empty() && asking.closed));
  idle.take();
  EXPECT_TRUE(idle.closed);
  EXPECT_FALSE(Peer(path).connected);
  held[0]->reply({200, {}, "done"});
  spin();
  EXPECT_THAT(waiting.take(), EndsWith("done"));
  EXPECT_TRUE(waiting.closed);
}

TEST_F(HttpServer, FreesItsAddressesWhenClosedThoughAnotherProcessHasACopyOfTheSockets) {
  auto tcp = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(tcp);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(tcp->get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const UniqueFd copy_of_tcp(::dup(tcp->get()));
  auto unix_socket = listen_unix(path, 0700, -1, -1, nullptr);
  ASSERT_TRUE(unix_socket);
  const UniqueFd copy_of_unix(::dup(unix_socket->get()));
  server.emplace(loop, [](const std::shared_ptr<Exchange>&) {}, log);
  server->serve(std::move(*tcp), {}, "inet_http_server");
  server->serve(std::move(*unix_socket), {}, "unix_http_server");
  spin();
  EXPECT_FALSE(listen_tcp("127.0.0.1", ntohs(address.sin_port)));
  server->close();
  EXPECT_FALSE(Peer(path).connected);
  EXPECT_TRUE(listen_tcp("127.0.0.1", ntohs(address.sin_port)));
}

TEST_F(HttpServer, ParksConnectionsWhenNothingIsInFlightAndAnotherGoesOnWithThem) {
  open();
  Peer idle(path);
  Peer busy(path);
  spin();
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  spin();
  ASSERT_EQ(held.size(), 1u);
  std::vector<UniqueFd> parked;
  std::vector<std::string> labels;
  server->park([&](const UniqueFd& fd, const std::string& label) {
    parked.emplace_back(::dup(fd.get()));
    labels.push_back(label);
  });
  EXPECT_EQ(parked.size(), 1u);
  EXPECT_EQ(server->connections(), 1u);
  held.front()->reply({200, {}, "later"});
  spin();
  EXPECT_EQ(parked.size(), 2u);
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_TRUE(busy.take().ends_with("later"));
  EXPECT_FALSE(busy.closed);
  // What comes meanwhile waits.
  EXPECT_EQ(ask(idle, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  EXPECT_EQ(requests, 1);

  server.reset();
  std::filesystem::remove(path);
  open();
  for (std::size_t i = 0; i < parked.size(); ++i)
    server->adopt(std::move(parked[i]), labels[i]);
  spin();
  EXPECT_EQ(requests, 2);
  EXPECT_TRUE(idle.take().ends_with("<>"));
  EXPECT_FALSE(idle.closed);
  EXPECT_TRUE(ask(busy, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2").ends_with("<2>"));
}

// ---- bad clients beside good ones

TEST_F(HttpServer, LetsNobodyWaitForAllThatAnotherHasPipelined) {
  open();
  Peer bad(path), good(path);
  spin();
  constexpr int flood = 3000;
  std::string requests_of_bad;
  for (int i = 0; i < flood; ++i)
    requests_of_bad += "GET /bad HTTP/1.1\r\n\r\n";
  bad.send(requests_of_bad);
  good.send("GET /good HTTP/1.1\r\n\r\n");
  spin();
  bad.take();
  spin();
  EXPECT_EQ(requests, flood + 1);
  EXPECT_GT(good_request, 0);
  EXPECT_LT(good_request, flood);
}

TEST_F(HttpServer, CutsAReplyThatNobodyTakes) {
  limits.reply_seconds = 0;
  open();
  Peer stuck(path), good(path);
  stuck.send("GET /big HTTP/1.1\r\n\r\n");
  spin();
  EXPECT_LT(stuck.take().size(), 5'000'000u);
  EXPECT_TRUE(stuck.closed);
  EXPECT_THAT(ask(good, post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, ClosesWhoHasBeenStuckForLongestWhenMemoryIsUsedUp) {
  limits.memory_bytes = 12'000'000;
  open();
  Peer first(path), second(path), third(path);
  for (Peer* peer : {&first, &second, &third})
    peer->send("GET /big HTTP/1.1\r\n\r\n"), spin();
  const auto everything = [this](Peer& peer) {
    std::size_t got = 0;
    for (int i = 0; i < 1000 && !peer.closed && got < 5'000'000; ++i) {
      got += peer.take().size();
      spin();
    }
    return got;
  };
  EXPECT_LT(everything(first), 5'000'000u);
  EXPECT_GE(everything(second), 5'000'000u);
  EXPECT_GE(everything(third), 5'000'000u);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("stuck for longest")));
}

TEST_F(HttpServer, SendsASingleReplyHoweverMuchMemoryItTakes) {
  limits.memory_bytes = 1000;
  open();
  Peer peer(path);
  peer.send("GET /big HTTP/1.1\r\n\r\n");
  std::size_t got = 0;
  for (int i = 0; i < 1000 && got < 5'000'000; ++i) {
    spin();
    got += peer.take().size();
  }
  EXPECT_GE(got, 5'000'000u);
}

TEST_F(HttpServer, CountsConnectionsOfEachSocketAlone) {
  limits.connections = 1;
  open();
  const std::string other = folder + "/t";
  auto listener = listen_unix(other, 0700, -1, -1, nullptr);
  ASSERT_TRUE(listener);
  server->serve(std::move(*listener), {{}, limits}, "other");
  Peer here(path);
  spin();
  Peer crowd[3]{Peer(other), Peer(other), Peer(other)};
  spin();
  EXPECT_EQ(server->connections(), 2u);
  EXPECT_THAT(ask(here, post("x")), EndsWith("<x>"));
  EXPECT_THAT(ask(crowd[2], post("y")), EndsWith("<y>"));
}

TEST_F(HttpServer, LeavesHalfOfTheDescriptorsForEverythingElse) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{100, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  open();
  ::setrlimit(RLIMIT_NOFILE, &before);
  std::vector<std::unique_ptr<Peer>> crowd;
  for (int i = 0; i < 80; ++i) {
    crowd.push_back(std::make_unique<Peer>(path));
    spin();
  }
  EXPECT_EQ(server->connections(), 50u);
  EXPECT_THAT(ask(*crowd.back(), post("x")), EndsWith("<x>"));
}

TEST_F(HttpServer, MakesRoomEvenWhereNobodyIsIdle) {
  limits.connections = 2;
  open();
  Peer slow(path), slower(path);
  ask(slow, "GET / HTTP/1.1\r\nX: ");
  ask(slower, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nx");
  Peer good(path);
  EXPECT_THAT(ask(good, post("x")), EndsWith("<x>"));
  slow.take();
  EXPECT_TRUE(slow.closed);
}

TEST_F(HttpServer, TellsWhenAStreamsClientHasTakenAll) {
  open();
  Peer peer(path);
  peer.send("GET /stream HTTP/1.1\r\n\r\n");
  spin();
  held[0]->begin({200, {}, ""});
  int taken = 0;
  held[0]->when_taken([&] { ++taken; });
  EXPECT_EQ(taken, 0);
  spin();
  EXPECT_EQ(taken, 1);
  held[0]->chunk(std::string(3'000'000, 'x'));
  held[0]->when_taken([&] { ++taken; });
  spin();
  EXPECT_EQ(taken, 1);
  for (int i = 0; i < 1000 && taken == 1; ++i) {
    peer.take();
    spin();
  }
  EXPECT_EQ(taken, 2);
  EXPECT_EQ(held[0]->backlog(), 0u);
}

TEST(Output, SendsNoMoreThanItsBudgetInOneTurn) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const UniqueFd ours(fds[0]), theirs(fds[1]);
  Output output;
  output.append(std::string(100'000, 'a'));
  EXPECT_EQ(output.send_to(ours.get(), 30'000), Output::Sent::enough);
  std::string got(100'000, '\0');
  EXPECT_EQ(::recv(theirs.get(), got.data(), got.size(), 0), 30'000);
  EXPECT_EQ(output.send_to(ours.get(), 70'000), Output::Sent::all);
}

TEST(Output, SendsSharedBytesInTheirPlaceAndLetsThemGo) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const UniqueFd ours(fds[0]), theirs(fds[1]);
  auto shared = std::make_shared<const std::string>(40'000, 's');
  Output output;
  output.append(std::string_view("head"));
  output.append(shared);
  output.append(std::string_view("next"));
  output.append(std::make_shared<const std::string>("small"));
  EXPECT_EQ(output.size(), 40'013u);
  EXPECT_EQ(output.send_to(ours.get(), 10'000), Output::Sent::enough);
  EXPECT_EQ(shared.use_count(), 2);
  EXPECT_EQ(output.send_to(ours.get(), 100'000), Output::Sent::all);
  EXPECT_EQ(shared.use_count(), 1);
  std::string got(100'000, '\0');
  got.resize(static_cast<std::size_t>(::recv(theirs.get(), got.data(), got.size(), 0)));
  EXPECT_EQ(got, "head" + *shared + "nextsmall");
}

TEST(Output, GivesBackTheMemoryOfWhatIsSent) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const UniqueFd ours(fds[0]), theirs(fds[1]);
  const auto allocated = [] {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  std::string got(100'000, '\0');
  Output output;
  const std::size_t before = allocated();
  for (int i = 0; i < 200; ++i) {
    output.append(std::string(60'000, 'a'));
    if (i < 2) continue;  // some of it is always left
    (void)output.send_to(ours.get(), 60'000);
    ASSERT_EQ(::recv(theirs.get(), got.data(), got.size(), 0), 60'000);
  }
  EXPECT_EQ(output.size(), 120'000u);
  EXPECT_LT(allocated(), before + 1'000'000);
}

// ---- names

TEST_F(HttpServer, KnowsWhichNamesAreItsOwn) {
  const std::vector<std::string> none, some{"Web.Example", "*.no"}, any{"*"};
  for (const auto* host : {"", "localhost", "LOCALHOST:80", "app.localhost:9001", "127.0.0.1:9001", "10.1.2.3", "[::1]:80"})
    EXPECT_TRUE(is_own_name(host, none)) << host;
  for (const auto* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:9001", "a b", ":", "[x", "1.2.3"})
    EXPECT_FALSE(is_own_name(host, none)) << host;
  EXPECT_TRUE(is_own_name("web.example:9001", some));
  EXPECT_TRUE(is_own_name("web.example.", some));
  EXPECT_FALSE(is_own_name("x.no", some));
  EXPECT_TRUE(is_own_name("evil.example", any));
}

TEST_F(HttpServer, RefusesOtherNamesWhereNamesAreConfigured) {
  hosts = {"web.example"};
  open();
  EXPECT_THAT(ask_once("GET /x HTTP/1.1\r\nHost: web.example:9001\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask_once("GET /x HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask_once("GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpServer, TellsAForeignNameOnLoopbackWithoutPassword) {
  for (const auto& [password, host, own] : {std::tuple("", "evil.example", false), std::tuple("", "localhost", true),
                                            std::tuple("p", "evil.example", true)}) {
    auto listener = listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(listener);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&address), &size);
    server.emplace(loop, [this](std::shared_ptr<Exchange> exchange) { serve(std::move(exchange)); }, log);
    server->serve(std::move(*listener), {{*password != '\0' ? "u" : "", password}}, "inet_http_server");
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    const std::string request = std::string("GET /x HTTP/1.1\r\nAuthorization: Basic dTpw\r\nHost: ") + host + "\r\n\r\n";
    ::send(client.get(), request.data(), request.size(), 0);
    last = {};
    for (int i = 0; i < 1000 && last.target.empty(); ++i)
      loop.restart(), loop.run_for(std::chrono::milliseconds(1));
    EXPECT_EQ(last.own_name, own) << host << password;
  }
}

TEST_F(HttpServer, LeavesExchangesHarmlessWhenItGoes) {
  open();
  Peer peer(path);
  peer.send("GET /later HTTP/1.1\r\n\r\n");
  spin();
  int gone = 0;
  held[0]->on_gone([&] { ++gone; });
  server.reset();
  held[0]->reply({200, {}, "nobody"});
  EXPECT_EQ(held[0]->request().target, "/later");
  spin();
  EXPECT_EQ(gone, 1);
}

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
