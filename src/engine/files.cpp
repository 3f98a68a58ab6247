#include "engine/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <random>

#include "os/identity.h"

namespace sup::engine {
namespace {

constexpr std::string_view random_letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
constexpr int random_length = 8;

std::string random_name() {
  static thread_local std::random_device source;
  std::uniform_int_distribution<std::size_t> letter(0, random_letters.size() - 1);
  std::string name;
  for (int i = 0; i < random_length; ++i) name += random_letters[letter(source)];
  return name;
}

}  // namespace

std::optional<FileKind> SystemFiles::look(const std::string& path) const {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileKind{S_ISDIR(status.st_mode), (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0};
}

bool SystemFiles::may_execute(const std::string& path) const { return access(path.c_str(), X_OK) == 0; }

Result<logs::RotatingFile> SystemFiles::open_log(logs::FilePlan plan) { return logs::RotatingFile::open(std::move(plan)); }

Result<std::string> SystemFiles::create_log(const std::string& directory, const std::string& prefix) {
  // As mkstemp(3): exclusive creation beats whoever plants links in a shared directory.
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string path = directory + "/" + prefix + random_name() + ".log";
    const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd) return path;
    if (errno != EEXIST) return std::unexpected(system_error("open", path, errno));
  }
  return fail("no free name for a log file in " + directory, EEXIST);
}

Result<> SystemFiles::remove(const std::string& path) {
  if (unlink(path.c_str()) != 0) return std::unexpected(system_error("unlink", path, errno));
  return {};
}

Result<std::optional<keeper::Identity>> SystemFiles::identity(std::uint32_t uid) {
  if (getuid() == uid) return std::optional<keeper::Identity>();
  if (getuid() != 0) return fail("Can't drop privilege as nonroot user", EPERM);
  const auto user = os::find_user(static_cast<uid_t>(uid));
  if (!user) return std::unexpected(user.error());
  return std::optional<keeper::Identity>(keeper::Identity{user->uid, user->gid, os::groups_of(*user)});
}

}  // namespace sup::engine
