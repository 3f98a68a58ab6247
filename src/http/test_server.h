// For the tests of the server: a server and its clients on one thread and one Unix socket, moved by spin().
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"
#include "http/server.h"
#include "support/test_folder.h"

namespace sup::http {

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
  test::TestFolder folder;
  const std::string path = folder.path("s");
  std::vector<std::shared_ptr<Exchange>> held;
  Request last;
  int requests = 0;
  int good_request = 0;  // which one was for /good
  std::optional<Server> server;
};

inline std::string without_date(const std::string& text) {
  return std::regex_replace(
      text, std::regex("Date: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT"), "Date: D");
}

inline std::string post(std::string_view body, std::string_view headers = "", std::string_view version = " HTTP/1.1") {
  return "POST /x" + std::string(version) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace sup::http
