#include "daemon/pidfile.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <thread>

#include "base/strings.h"
#include "base/time.h"
#include "os/other_process.h"
#include "os/shared_folder.h"

namespace sup::daemon {
namespace {

constexpr Duration longest_leave = Seconds(2);
constexpr Duration look_again = std::chrono::milliseconds(5);

std::optional<long long> pid_in(int fd) {
  std::array<char, 32> text{};
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  return to_int({text.data(), got > 0 ? static_cast<std::size_t>(got) : 0});
}

std::unexpected<Error> taken(const std::string& path, int fd) {
  const auto pid = pid_in(fd);
  const std::string whose = pid ? fmt::format(" (pid {})", *pid) : std::string();
  return fail(fmt::format("The pidfile {} is locked by another supervisord that runs{}.  Shut it down first, or use "
                          "another pidfile.",
                          path, whose),
              EWOULDBLOCK);
}

bool is_gone(std::optional<long long> pid) {
  if (!pid || *pid <= 0 || *pid > std::numeric_limits<pid_t>::max()) return false;
  const UniqueFd process = os::open_process(static_cast<pid_t>(*pid));
  return process ? os::has_ended(process.get()) : errno == ESRCH;
}

// False when somebody else has the lock. Only files are locked: /dev/null as a pidfile is everybody's. When the daemon
// whose pid is in the file has ended, its manager is just about to, and is waited for.
bool lock(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return true;
  for (Duration waited{};; waited += look_again) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
    if (waited >= longest_leave || !is_gone(pid_in(fd))) return false;
    std::this_thread::sleep_for(look_again);
  }
}

// Is the open file the one that has its name? Its owner may have removed it between our open and our lock.
bool is_named(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

bool write_pid(int fd, pid_t pid) {
  const std::string text = fmt::format("{}\n", pid);
  // A device cannot be cut, and need not be.
  if (ftruncate(fd, 0) != 0 && errno != EINVAL) return false;
  return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// What somebody else may have put into a shared folder is neither followed nor written, and its lock says nothing.
bool is_trusted(int fd, const std::string& path) { return !os::is_in_shared_folder(path) || os::is_private_file(fd); }

UniqueFd open_pidfile(const std::string& path) {
  constexpr int flags = O_CREAT | O_NONBLOCK | O_CLOEXEC;
  const int shared = os::is_in_shared_folder(path) ? O_NOFOLLOW : 0;
  UniqueFd fd(open(path.c_str(), O_RDWR | flags | shared, 0666));
  if (!fd && errno == EACCES) fd.reset(open(path.c_str(), O_WRONLY | flags | shared, 0666));
  return fd;
}

}  // namespace

Result<> check_pidfile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd || !is_trusted(fd.get(), path) || lock(fd.get())) return {};
  return taken(path, fd.get());
}

Result<UniqueFd> claim_pidfile(const std::string& path, pid_t pid, Log& log) {
  constexpr int attempts = 5;
  UniqueFd fd;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    fd = open_pidfile(path);
    const bool planted = fd ? !is_trusted(fd.get(), path) : errno == ELOOP && os::is_in_shared_folder(path);
    if (planted) {
      fd.reset();
      if (unlink(path.c_str()) != 0 && errno != ENOENT) break;
      continue;
    }
    if (!fd) break;
    if (!lock(fd.get())) return taken(path, fd.get());
    if (is_named(fd.get(), path)) break;
  }
  if (!fd || !write_pid(fd.get(), pid)) {
    log(Level::critical, "could not write pidfile {}", path);
    return UniqueFd();
  }
  log(Level::info, "supervisord started with pid {}", pid);
  return fd;
}

bool owns_pidfile(const std::string& path, const UniqueFd& file) {
  struct stat status {};
  return file && fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && is_named(file.get(), path) &&
         flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_pidfile(const std::string& path, const UniqueFd& file) {
  unlink(path.c_str());
  flock(file.get(), LOCK_UN);
}

}  // namespace sup::daemon
