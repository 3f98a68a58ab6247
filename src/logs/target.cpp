#include "logs/target.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/strings.h"
#include "os/shared_folder.h"

namespace sup::logs {
namespace {

constexpr int base_flags = O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr mode_t file_mode = 0666;
constexpr mode_t private_mode = 0600;

// The number of the descriptor that `path` is another name of, or -1.
int descriptor_named(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    const auto number = to_int(path.substr(folder.size()));
    if (number && *number >= 0 && *number <= INT_MAX) return static_cast<int>(*number);
  }
  return -1;
}

mode_t type_of(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_mode & S_IFMT : 0;
}

// With both ends open a named pipe needs no reader: it buffers while there is none, and no EPIPE comes between.
UniqueFd open_both_ends(const std::string& path, const Files& files) {
  return UniqueFd(files.open(path.c_str(), (base_flags & ~O_CREAT) | O_RDWR, 0));
}

// A file that nobody else can have made. What else is there, because somebody was quick between two of our steps, goes.
Result<UniqueFd> open_own(const std::string& path, const Files& files) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    UniqueFd fd(files.open(path.c_str(), base_flags | O_WRONLY | O_NOFOLLOW, private_mode));
    if (fd && os::is_private_file(fd.get())) return fd;
    if (!fd && errno != ELOOP && errno != ENXIO) return std::unexpected(system_error("open", path, errno));
    if (files.unlink(path.c_str()) != 0 && errno != ENOENT) return std::unexpected(system_error("remove", path, errno));
  }
  return std::unexpected(system_error("open", path, EEXIST));
}

}  // namespace

Result<Target> Target::share(int fd, const Files& files) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return std::unexpected(system_error("dup", std::to_string(fd), errno));
  const Kind kind = type_of(copy.get()) == S_IFSOCK ? Kind::socket : Kind::shared;
  return Target(std::move(copy), kind, files);
}

Result<Target> Target::open(const std::string& path, const Files& files, bool own_file) {
  if (own_file) {
    auto fd = open_own(path, files);
    if (!fd) return std::unexpected(std::move(fd.error()));
    return Target(std::move(*fd), Kind::file, files);
  }
  const int own = descriptor_named(path);
  // Opened anew, a redirected standard output would have two file positions that overwrite each other's text.
  if (own >= 0 && type_of(own) == S_IFREG) return share(own, files);

  UniqueFd fd(files.open(path.c_str(), base_flags | O_WRONLY, file_mode));
  const int code = fd ? 0 : errno;
  if (!fd && own >= 0) return share(own, files);
  if (own < 0 && (code == ENXIO || (fd && type_of(fd.get()) == S_IFIFO))) {
    if (UniqueFd both = open_both_ends(path, files); both) fd = std::move(both);
  }
  if (!fd) return std::unexpected(system_error("open", path, code));
  const Kind kind = type_of(fd.get()) == S_IFREG && !path.starts_with("/proc/") ? Kind::file : Kind::stream;
  return Target(std::move(fd), kind, files);
}

// A device that has positions, unlike a terminal.
bool Target::keeps_nothing() const {
  return type_of(fd_.get()) == S_IFCHR && ::lseek(fd_.get(), 0, SEEK_CUR) >= 0;
}

// One write that never blocks, except on a disk.
ssize_t Target::put(std::string_view bytes) const {
  switch (kind_) {
    case Kind::file:
    case Kind::stream:
      break;
    case Kind::socket:
      return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::shared: {
      // Our descriptor may be a blocking one, but a pipe that polls writable takes this much.
      pollfd request{fd_.get(), POLLOUT, 0};
      if (::poll(&request, 1, 0) != 1) {
        errno = EAGAIN;
        return -1;
      }
      bytes = bytes.substr(0, PIPE_BUF);
      break;
    }
  }
  return files_->write(fd_.get(), bytes.data(), bytes.size());
}

Target::Written Target::write(std::string_view bytes) {
  if (!fd_) return {0, EBADF};
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = put(bytes.substr(done));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      patience_.relieve();
    } else if (n == 0) {
      return {done, EIO};
    } else if (errno == EAGAIN && kind_ != Kind::file) {
      if (!patience_.wait_writable(fd_.get())) return {done, EAGAIN};
    } else if (errno != EINTR) {
      return {done, errno};
    }
  }
  return {done, 0};
}

}  // namespace sup::logs
