// Who may come in: credentials, and the names by which the server is called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/base64.h"
#include "http/host.h"
#include "http/test_server.h"

namespace sup::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string with_auth(std::string_view value) {
  return "GET /x HTTP/1.1\r\nAuthorization: " + std::string(value) + "\r\n\r\n";
}
std::string basic(std::string_view pair) {
  return with_auth("Basic " + base64_encode(pair));
}

// ---- credentials

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

}  // namespace
}  // namespace sup::http
