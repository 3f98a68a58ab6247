#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <thread>

#include "http/server.h"
#include "support/test_folder.h"

namespace sup::http {
namespace {

using testing::HasSubstr;

class Silent final : public Log {
 public:
  void write(Level, std::string_view) override {}
  [[nodiscard]] bool wants(Level) const override { return false; }
};

// A server on a thread of its own, since the client blocks.
class HttpClient : public testing::Test {
 protected:
  HttpClient() {
    auto listener = listen_unix(path, 0700, -1, -1, nullptr);
    server = std::make_unique<Server>(
        loop, [this](std::shared_ptr<Exchange> exchange) { serve(exchange); }, log);
    server->serve(std::move(*listener), {}, "plain");
    auto tcp = listen_tcp("127.0.0.1", 0);
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(tcp->get(), reinterpret_cast<sockaddr*>(&address), &length);
    port = std::to_string(ntohs(address.sin_port));
    server->serve(std::move(*tcp), {{"user", "secret"}}, "guarded");
    thread = std::thread([this] { loop.run(); });
  }
  ~HttpClient() override {
    boost::asio::post(loop, [this] { server.reset(); });
    thread.join();
  }

  void serve(const std::shared_ptr<Exchange>& exchange) {
    const Request& request = exchange->request();
    if (request.target == "/stream") {
      exchange->begin({200, {}, ""});
      exchange->chunk("one");
      exchange->chunk(std::string(100'000, '2'));
      exchange->end();
    } else if (request.target == "/endless") {
      exchange->begin({200, {}, ""});
      exchange->chunk("first");
      endless = exchange;
    } else if (request.target == "/404") {
      exchange->error(404);
    } else {
      std::string seen = request.method + " " + request.target + "\n";
      for (const auto& [name, value] : request.headers)
        seen.append(name).append(": ").append(value).append("\n");
      exchange->reply({200, {}, seen + "\n" + request.body});
    }
  }
  Client client(const std::string& url = {}) { return std::move(*Client::make(url.empty() ? "unix://" + path : url)); }

  boost::asio::io_context loop;
  Silent log;
  test::TestFolder folder;
  const std::string path = folder.path("s");
  std::string port;
  std::unique_ptr<Server> server;
  std::shared_ptr<Exchange> endless;
  std::thread thread;
};

TEST_F(HttpClient, SendsWhatPythonsClientSends) {
  const auto reply = client().post("/RPC2", "text/xml", "<x/>");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->reason, "OK");
  EXPECT_EQ(reply->body,
            "POST /RPC2\nHost: localhost\nAccept-Encoding: identity\nUser-Agent: Python-xmlrpc/3.11\n"
            "Content-Type: text/xml\nAccept: text/xml\nContent-Length: 4\n\n<x/>");
}

TEST_F(HttpClient, KeepsItsConnection) {
  auto one = client();
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(one.post("/", "text/xml", std::string(300'000, 'x'))->body, HasSubstr("xxx"));
  EXPECT_EQ(one.post("/404", "text/xml", "")->status, 404);
  EXPECT_EQ(one.post("/", "text/xml", "")->status, 200);
}

TEST_F(HttpClient, ConnectsAnewWhenTheServerHasHungUp) {
  auto one = client("http://user:x@127.0.0.1:" + port);
  EXPECT_EQ(one.post("/", "text/xml", "")->status, 401);
  one.set_credentials("user", "secret");
  EXPECT_THAT(one.post("/", "text/xml", "")->body, HasSubstr("Authorization: Basic dXNlcjpzZWNyZXQ=\n"));
  EXPECT_THAT(one.post("/", "text/xml", "")->body, HasSubstr("Host: 127.0.0.1:" + port + "\n"));
}

TEST_F(HttpClient, CarriesTheErrnoOfAFailedConnect) {
  EXPECT_EQ(client("unix://" + folder.path("none")).post("/", "", "").error().code, ENOENT);
  auto closed = listen_tcp("127.0.0.1", 0);
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(closed->get(), reinterpret_cast<sockaddr*>(&address), &length);
  closed->reset();
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_EQ(client(url).post("/", "", "").error().code, ECONNREFUSED);
  EXPECT_EQ(client(url).stream("/", [](std::string_view) { return true; }).error().code, ECONNREFUSED);
  EXPECT_EQ(client("unix://").post("/", "text/plain", "").error().code, EINVAL);
}

TEST_F(HttpClient, KnowsTwoKindsOfAddress) {
  EXPECT_EQ(Client::make("ftp://x").error().text, "Unknown protocol for serverurl ftp://x");
  EXPECT_FALSE(Client::make("http://h:port"));
  EXPECT_FALSE(Client::make("http://h:70000"));
  EXPECT_TRUE(Client::make("http://h"));
  EXPECT_TRUE(Client::make("http://[::1]:9001/x"));
}

TEST_F(HttpClient, StreamsToTheEnd) {
  std::string got;
  const auto reply = client().stream("/stream", [&](std::string_view bytes) {
    got += bytes;
    return true;
  });
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(got, "one" + std::string(100'000, '2'));
}

TEST_F(HttpClient, StopsAStreamWhenTold) {
  int calls = 0;
  EXPECT_TRUE(client().stream("/endless", [&](std::string_view) { return ++calls < 1; }));
  EXPECT_EQ(calls, 1);
}

TEST_F(HttpClient, StopsAStreamWhenTheDescriptorIsReadable) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  std::string got;
  const auto reply = client().stream(
      "/endless",
      [&](std::string_view bytes) {
        got += bytes;
        (void)!::write(write_end.get(), "x", 1);
        return true;
      },
      read_end.get());
  EXPECT_TRUE(reply);
  EXPECT_EQ(got, "first");
}

TEST_F(HttpClient, StopsAStreamBeforeItsBeginning) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]), write_end(ends[1]);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  const auto reply = client().stream("/endless", [](std::string_view) { return true; }, read_end.get());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 0);
}

TEST_F(HttpClient, GivesTheBodyOfARefusedStream) {
  const auto reply = client().stream("/404", [](std::string_view) { return true; });
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 404);
  EXPECT_THAT(reply->body, HasSubstr("Error code 404"));
}

}  // namespace
}  // namespace sup::http
