// Calls an XML-RPC method over a unix socket, on many connections at once, and prints as JSON how long answers took.
//
//   bench_client SOCKET METHOD CONNECTIONS SECONDS [PAUSE_MS]
//
// METHOD is called without arguments, or with one text: getProcessInfo(NAME). Each connection has
// one call under way, and with PAUSE_MS rests that long between calls. SECONDS 0 means until standard input ends.
// Connections are kept as long as the server keeps them.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "board.h"

namespace {

struct Connection {
  int fd = -1;
  std::string in;
  std::size_t body = 0;    // length of the answer's body, once its head is complete
  std::size_t whole = 0;   // of head and body
  std::int64_t asked = 0;  // when the call under way was begun; 0: none is
  std::int64_t next = 0;   // when the next may begin
};

class Load {
 public:
  Load(const char* path, std::string_view method, int connections, std::int64_t pause)
      : pause_(pause), connections_(static_cast<std::size_t>(connections)) {
    address_.sun_family = AF_UNIX;
    std::strncpy(address_.sun_path, path, sizeof address_.sun_path - 1);
    const auto name = method.substr(0, method.find('('));
    std::string params;
    if (name.size() < method.size()) {
      const auto argument = method.substr(name.size() + 1, method.size() - name.size() - 2);
      params = "<param><value><string>" + std::string(argument) + "</string></value></param>";
    }
    const std::string body = "<?xml version='1.0'?>\n<methodCall><methodName>" + std::string(name) +
                             "</methodName><params>" + params + "</params></methodCall>\n";
    request_ =
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Type: text/xml\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    poll_ = epoll_create1(EPOLL_CLOEXEC);
  }

  void run(std::int64_t duration) {
    begin_ = bench::now();
    const std::int64_t end = duration > 0 ? begin_ + duration : INT64_MAX;
    if (duration == 0) {
      epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
      epoll_ctl(poll_, EPOLL_CTL_ADD, 0, &event);
    }
    while (errors_ < 100) {
      const std::int64_t now = bench::now();
      if (now >= end) ended_ = true;
      int under_way = 0;
      for (auto& connection : connections_) {
        if (!ended_ && connection.asked == 0 && connection.next <= now) ask(connection);
        if (connection.asked != 0) ++under_way;
      }
      if (ended_ && under_way == 0) break;
      std::array<epoll_event, 64> events;
      const int ready = epoll_wait(poll_, events.data(), events.size(), pause_ > 0 ? 1 : duration > 0 ? 100 : -1);
      for (int i = 0; i < ready; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection == nullptr) {
          ended_ = true;
          epoll_ctl(poll_, EPOLL_CTL_DEL, 0, nullptr);
        } else {
          on_readable(*connection);
        }
      }
    }
  }

  int report() {
    std::sort(times_.begin(), times_.end());
    const auto at = [&](double share) {
      const auto i = static_cast<std::size_t>(share * static_cast<double>(times_.size()));
      return times_.empty() ? 0.0 : static_cast<double>(times_[std::min(i, times_.size() - 1)]) / 1000;
    };
    const double seconds = static_cast<double>(last_ - begin_) / 1e9;
    std::printf(
        "{\"calls\": %zu, \"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"min_us\": %.1f, \"max_us\": %.1f, "
        "\"errors\": %d, \"connects\": %d, \"body\": %zu}\n",
        times_.size(), static_cast<double>(times_.size()) / std::max(seconds, 1e-9), at(0.5), at(0.99), at(0), at(1),
        errors_, connects_, body_);
    return errors_ == 0 && !times_.empty() ? 0 : 1;
  }

 private:
  void fail(Connection& connection) {
    ++errors_;
    drop(connection);
    connection.asked = 0;
  }

  void drop(Connection& connection) {
    close(connection.fd);
    connection.fd = -1;
    connection.in.clear();
    connection.whole = 0;
  }

  void ask(Connection& connection) {
    if (connection.fd < 0) {
      connection.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(connection.fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0)
        return fail(connection);
      ++connects_;
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
    }
    connection.asked = bench::now();
    if (send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.size()))
      fail(connection);
  }

  void on_readable(Connection& connection) {
    static std::array<char, 1 << 18> buffer;
    const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return connection.asked != 0 ? fail(connection) : drop(connection);
    connection.in.append(buffer.data(), static_cast<std::size_t>(got));
    if (connection.whole == 0 && !read_head(connection)) return;
    if (connection.in.size() < connection.whole) return;
    last_ = bench::now();
    times_.push_back(last_ - connection.asked);
    body_ = connection.body;
    connection.in.clear();
    connection.whole = 0;
    connection.asked = 0;
    connection.next = last_ + pause_;
    if (pause_ == 0 && !ended_) ask(connection);
  }

  // Whether the head is there; an answer that is none of success counts as an error.
  bool read_head(Connection& connection) {
    const auto end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const char* length = strcasestr(connection.in.c_str(), "\r\ncontent-length:");
    if (length == nullptr || connection.in.find(" 200 ") > 12) {
      fail(connection);
      return false;
    }
    connection.body = std::strtoul(length + 17, nullptr, 10);
    connection.whole = end + 4 + connection.body;
    return true;
  }

  sockaddr_un address_{};
  std::string request_;
  std::int64_t pause_;
  std::vector<Connection> connections_;
  std::vector<std::int64_t> times_;
  std::int64_t begin_ = 0, last_ = 0;
  std::size_t body_ = 0;
  int poll_ = -1, errors_ = 0, connects_ = 0;
  bool ended_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || std::atoi(argv[3]) < 1) return 2;
  Load load(argv[1], argv[2], std::atoi(argv[3]), argc > 5 ? static_cast<std::int64_t>(std::atof(argv[5]) * 1e6) : 0);
  load.run(static_cast<std::int64_t>(std::atof(argv[4]) * 1e9));
  return load.report();
}
