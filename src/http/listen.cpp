// Listening sockets, made with Supervisor's rules.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "http/server.h"
#include "os/shared_folder.h"

namespace sup::http {
namespace {

constexpr int backlog = 1024;
constexpr int attempts = 5;  // to take a path, when others try as well

using Listener = std::expected<UniqueFd, ListenFailure>;

std::unexpected<ListenFailure> failure(int code) {
  if (code == EADDRINUSE)
    return std::unexpected(
        ListenFailure{true, code,
                      "Another program is already listening on a port that one of our HTTP servers is configured to "
                      "use.  Shut this program down first before starting supervisord."});
  return std::unexpected(ListenFailure{
      false, code,
      fmt::format("Cannot open an HTTP server: socket.error reported errno.{} ({})", errno_name(code), code)});
}

std::unexpected<ListenFailure> chown_failure(const std::string& path, std::int64_t uid, std::int64_t gid) {
  const passwd* self = getpwuid(geteuid());
  const std::string name = self != nullptr ? self->pw_name : std::to_string(geteuid());
  return std::unexpected(
      ListenFailure{false, EPERM,
                    fmt::format("Not permitted to chown {} to uid/gid ({}, {}); adjust \"sockchown\" value in config "
                                "file or on command line to values that the current user ({}) can successfully chown",
                                path, uid, gid, name)});
}

bool fill(sockaddr_un& address, const std::string& path) {
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

// Does somebody listen at that path? Asked with connect() alone: a server that is alive but busy still owns its
// socket.
bool answers(const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return true;  // not known: leave it alone
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno == EAGAIN || errno == EINPROGRESS || errno == EACCES || errno == EPERM;
}

// May what stands at the path be removed? Not a file that holds something: a mistake in the configuration must not
// cost data.
bool is_dispensable(const struct stat& status) {
  return S_ISSOCK(status.st_mode) || S_ISLNK(status.st_mode) || (S_ISREG(status.st_mode) && status.st_size == 0);
}

// The file under its temporary name, removed at the end whatever happened.
struct TemporaryFile {
  std::string path;
  ~TemporaryFile() { ::unlink(path.c_str()); }
};

// Gives the socket its name. File systems without hard links get a rename, which is as good once nobody answers there.
std::expected<void, int> take_path(const std::string& temporary, const std::string& path, const sockaddr_un& address,
                                   bool* unlinked) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (::link(temporary.c_str(), path.c_str()) == 0) return {};
    const int code = errno;
    if (code != EEXIST && code != EPERM && code != EOPNOTSUPP && code != EMLINK) return std::unexpected(code);
    struct stat status {};
    const bool exists = ::lstat(path.c_str(), &status) == 0;
    if (exists && answers(address)) return std::unexpected(EADDRINUSE);
    if (exists) {
      if (!is_dispensable(status)) return std::unexpected(EEXIST);
      if (::unlink(path.c_str()) != 0 && errno != ENOENT) return std::unexpected(errno);
      if (unlinked != nullptr) *unlinked = true;
    }
    if (code != EEXIST) {
      if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
      return std::unexpected(errno);
    }
  }
  return std::unexpected(EADDRINUSE);
}

Listener listen_at(const sockaddr* address, socklen_t length) {
  UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failure(errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address, length) != 0) return failure(errno);
  if (::listen(fd.get(), backlog) != 0) return failure(errno);
  return fd;
}

}  // namespace

Listener listen_unix(const std::string& path, std::uint32_t mode, std::int64_t uid, std::int64_t gid, bool* unlinked) {
  if (unlinked != nullptr) *unlinked = false;
  const TemporaryFile temporary{fmt::format("{}.{}", path, getpid())};
  sockaddr_un address{}, temporary_address{};
  if (!fill(address, path) || !fill(temporary_address, temporary.path)) return failure(ENAMETOOLONG);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failure(errno);
  ::unlink(temporary.path.c_str());
  ::fchmod(fd.get(), mode);  // the file is never more open than this, not even for a moment
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&temporary_address), sizeof temporary_address) != 0)
    return failure(errno);
  if (const auto done = os::set_socket_mode(temporary.path, mode); !done) return failure(done.error().code);
  if (const auto done = os::set_socket_owner(temporary.path, static_cast<uid_t>(uid), static_cast<gid_t>(gid)); !done)
    return done.error().code == EPERM ? chown_failure(path, uid, gid) : failure(done.error().code);
  if (::listen(fd.get(), backlog) != 0) return failure(errno);
  if (const auto taken = take_path(temporary.path, path, address, unlinked); !taken) return failure(taken.error());
  return fd;
}

Listener listen_tcp(const std::string& host, std::uint16_t port) {
  if (host.empty()) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_ANY);
    any.sin_port = htons(port);
    return listen_at(reinterpret_cast<const sockaddr*>(&any), sizeof any);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(port);
  hints.ai_family = AF_INET;
  int code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (code != 0) {
    hints.ai_family = AF_UNSPEC;
    code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  }
  if (code != 0)
    return std::unexpected(
        ListenFailure{false, 0, fmt::format("Cannot open an HTTP server: {}: {}", host, ::gai_strerror(code))});
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  return listen_at(list->ai_addr, list->ai_addrlen);
}

}  // namespace sup::http
