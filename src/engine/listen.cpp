// The sockets of FastCGI programs, made with Supervisor's rules and words.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/strings.h"
#include "engine/files.h"
#include "os/shared_folder.h"

namespace sup::engine {
namespace {

constexpr std::uint32_t default_mode = 0700;

// "[Errno 13] Permission denied", with the path where Python has it.
std::unexpected<Error> errno_failure(int code, std::string_view what = {}, const std::string& path = {}) {
  std::string text = fmt::format("{}[Errno {}] {}", what, code, std::strerror(code));
  if (!path.empty()) text += ": " + python_repr(path);
  return fail(std::move(text), code);
}

// What holds something is left alone, and in the way: a mistake in the configuration must not cost data.
bool is_dispensable(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return false;
  return S_ISSOCK(status.st_mode) || S_ISLNK(status.st_mode) || (S_ISREG(status.st_mode) && status.st_size == 0);
}

Result<> give_away(const config::FcgiSocket& socket) {
  if (const auto done = os::set_socket_mode(socket.path, socket.mode.value_or(default_mode)); !done) {
    return errno_failure(done.error().code, "Could not change permissions of socket file: ", socket.path);
  }
  if (!socket.owner) return {};
  const auto done = os::set_socket_owner(socket.path, static_cast<uid_t>(socket.owner->uid),
                                         static_cast<gid_t>(socket.owner->gid));
  if (!done) return errno_failure(done.error().code, "Could not change ownership of socket file: ", socket.path);
  return {};
}

Result<UniqueFd> bind_unix(const config::FcgiSocket& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.path.size() >= sizeof address.sun_path) return fail("AF_UNIX path too long", ENAMETOOLONG);
  std::memcpy(address.sun_path, socket.path.c_str(), socket.path.size() + 1);
  if (is_dispensable(socket.path) && unlink(socket.path.c_str()) != 0) return errno_failure(errno, {}, socket.path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_failure(errno);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno_failure(errno);
  // Nobody can connect before listen(2), so the file is nobody's but its owner's from the first connection on.
  if (auto done = give_away(socket); !done) {
    unlink(socket.path.c_str());
    return std::unexpected(done.error());
  }
  return fd;
}

Result<in_addr> address_of(const std::string& host) {
  in_addr numeric{};
  if (inet_pton(AF_INET, host.c_str(), &numeric) == 1) return numeric;
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) {
    return fail(fmt::format("[Errno {}] {}", code, gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  return reinterpret_cast<const sockaddr_in*>(list->ai_addr)->sin_addr;
}

Result<UniqueFd> bind_tcp(const config::FcgiSocket& socket) {
  const auto host = address_of(socket.host);
  if (!host) return std::unexpected(host.error());
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_failure(errno);
  const int on = 1;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno_failure(errno);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(socket.port);
  address.sin_addr = *host;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno_failure(errno);
  return fd;
}

}  // namespace

Result<UniqueFd> SystemFiles::listen(const config::FcgiSocket& socket) {
  auto fd = socket.is_unix ? bind_unix(socket) : bind_tcp(socket);
  if (fd && ::listen(fd->get(), socket.backlog > 0 ? socket.backlog : SOMAXCONN) != 0) return errno_failure(errno);
  return fd;
}

void SystemFiles::remove_socket(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path.c_str());
}

}  // namespace sup::engine
