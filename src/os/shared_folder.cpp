#include "os/shared_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace sup::os {
namespace {

// The node itself, and nothing that it may be replaced by later.
Result<UniqueFd> open_socket(const std::string& path) {
  UniqueFd node(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!node) return std::unexpected(system_error("open", path, errno));
  struct stat status {};
  if (fstat(node.get(), &status) != 0) return std::unexpected(system_error("stat", path, errno));
  if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid()) return std::unexpected(system_error("open", path, EEXIST));
  return node;
}

}  // namespace

bool is_in_shared_folder(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  struct stat status {};
  return stat(folder.c_str(), &status) != 0 || (status.st_mode & S_IWOTH) != 0;
}

bool is_private_file(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
         (status.st_uid == geteuid() || status.st_uid == 0);
}

Result<> set_socket_mode(const std::string& path, mode_t mode) {
  const auto node = open_socket(path);
  if (!node) return std::unexpected(node.error());
  const std::string name = "/proc/self/fd/" + std::to_string(node->get());
  if (chmod(name.c_str(), mode) == 0) return {};
  // Without /proc there is only the name.
  if (errno == ENOENT && chmod(path.c_str(), mode) == 0) return {};
  return std::unexpected(system_error("chmod", path, errno));
}

Result<> set_socket_owner(const std::string& path, uid_t uid, gid_t gid) {
  const auto node = open_socket(path);
  if (!node) return std::unexpected(node.error());
  if (fchownat(node->get(), "", uid, gid, AT_EMPTY_PATH) == 0) return {};
  return std::unexpected(system_error("chown", path, errno));
}

}  // namespace sup::os
