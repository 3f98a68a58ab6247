#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "http/hub.h"

namespace sup::http {

std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    if (address.ss_family == AF_INET) {
      const auto& ip = reinterpret_cast<const sockaddr_in&>(address);
      ::inet_ntop(AF_INET, &ip.sin_addr, host.data(), host.size());
      return fmt::format("{}:{}", host.data(), ntohs(ip.sin_port));
    }
    if (address.ss_family == AF_INET6) {
      const auto& ip = reinterpret_cast<const sockaddr_in6&>(address);
      ::inet_ntop(AF_INET6, &ip.sin6_addr, host.data(), host.size());
      return fmt::format("{}:{}", host.data(), ntohs(ip.sin6_port));
    }
  }
  return "localhost:0";
}

bool is_unix_socket(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
}

bool is_on_loopback(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return false;
  if (address.ss_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  return address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

}  // namespace sup::http
