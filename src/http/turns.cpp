#include "http/turns.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "http/connection.h"

namespace sup::http {
namespace {

// After that the loop looks at everything else.
constexpr std::chrono::microseconds longest_run{250};

}  // namespace

Client client_of(int fd, bool is_unix) {
  if (is_unix) {
    ucred who{};
    socklen_t length = sizeof who;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 ? static_cast<Client>(who.pid) : 0;
  }
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  const auto hash = [](const auto& ip) {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&ip), sizeof ip});
  };
  if (address.ss_family == AF_INET) return hash(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.ss_family == AF_INET6) return hash(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return 0;
}

void Turns::queue(Client client, std::shared_ptr<Connection> connection) {
  waiting_.push(client, std::move(connection));
  post();
}

void Turns::post() {
  if (std::exchange(posted_, true)) return;
  boost::asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) run();
  });
}

void Turns::run() {
  using SteadyClock = std::chrono::steady_clock;
  const std::weak_ptr<bool> alive = alive_;
  const auto end = SteadyClock::now() + longest_run;
  while (!waiting_.empty() && SteadyClock::now() < end) {
    const std::shared_ptr<Connection> connection = waiting_.pop();
    connection->work();
    if (alive.expired()) return;
  }
  posted_ = false;
  if (!waiting_.empty()) post();
}

}  // namespace sup::http
