// How many small XML-RPC calls one thread of the HTTP server answers per second.
//
//   http_rate [CONNECTIONS [SECONDS]]
//
// A child process keeps one call in flight on each connection of a unix socket. The way is the daemon's: parse the
// request, look the operation up, write the reply. Printed are calls per second and the server's CPU time per call.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "api/operation.h"
#include "http/server.h"
#include "rpc/xmlrpc.h"

namespace {

using namespace sup;

class Silent final : public Log {
 public:
  void write(Level, std::string_view) override {}
  [[nodiscard]] bool wants(Level) const override { return false; }
};

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::_Exit(1);
  return fd;
}

// Sends the next call whenever a reply has come, until it is killed. A reply of this size comes in one piece.
[[noreturn]] void run_client(const std::string& path, int connections) {
  const std::string call = rpc::write_call({"supervisor.getState", {}});
  const std::string request = fmt::format(
      "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nContent-Type: text/xml\r\nAccept: text/xml\r\n"
      "Content-Length: {}\r\n\r\n{}",
      call.size(), call);
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < connections; ++i) {
    epoll_event event{EPOLLIN, {.fd = connect_to(path)}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
    if (::send(event.data.fd, request.data(), request.size(), 0) < 0) std::_Exit(1);
  }
  std::vector<epoll_event> events(static_cast<std::size_t>(connections));
  char reply[4096];
  for (;;) {
    const int count = ::epoll_wait(poller, events.data(), connections, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (::recv(fd, reply, sizeof reply, 0) <= 0 || ::send(fd, request.data(), request.size(), 0) < 0) std::_Exit(1);
    }
  }
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const int connections = argc > 1 ? std::atoi(argv[1]) : 50;
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 3;
  const std::string path = fmt::format("/tmp/http_rate.{}", ::getpid());

  api::OperationTable table;
  table.add({"supervisor.getState", "", {}, {"struct"}, [](std::span<const api::Value>, api::Reply reply) {
               reply(api::Value(api::Struct{{"statecode", 1}, {"statename", "RUNNING"}}));
             }});
  boost::asio::io_context loop(1);
  Silent log;
  long calls = 0;
  http::Server server(
      loop,
      [&](std::shared_ptr<http::Exchange> exchange) {
        ++calls;
        const auto call = rpc::parse_call(exchange->request().body);
        if (!call) return exchange->error(400);
        table.call(call->method, call->params, [exchange](api::Answer<api::Value> answer) {
          exchange->reply({200, {{"Content-Type", "text/xml"}}, rpc::write_reply(answer)});
        });
      },
      log);
  auto listener = http::listen_unix(path, 0700, -1, -1, nullptr);
  if (!listener) {
    std::fprintf(stderr, "%s\n", listener.error().text.c_str());
    return 1;
  }
  server.serve(std::move(*listener), {}, "bench");
  const pid_t client = ::fork();
  if (client == 0) run_client(path, connections);

  loop.run_for(std::chrono::milliseconds(200));  // warm up
  calls = 0;
  const double before = cpu_seconds();
  loop.run_for(std::chrono::seconds(seconds));
  const double used = cpu_seconds() - before;
  const double done = double(calls);
  fmt::print("{} connections: {:.0f} calls/s, {:.2f} us of CPU each, {:.0f} calls/s per whole core\n", connections,
             done / seconds, used / done * 1e6, done / used);
  ::kill(client, SIGKILL);
  ::waitpid(client, nullptr, 0);
  ::unlink(path.c_str());
  return 0;
}
