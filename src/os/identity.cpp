#include "os/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

#include "base/strings.h"

namespace sup::os {
namespace {

// Runs getpwnam_r or getpwuid_r with a buffer that grows until the entry fits.
template <class Lookup>
Result<User> look_up(Lookup lookup, std::string unknown) {
  std::vector<char> buffer(1024);
  while (true) {
    passwd entry{};
    passwd* found = nullptr;
    const int code = lookup(&entry, buffer.data(), buffer.size(), &found);
    if (code == EINTR) continue;
    if (code == ERANGE && buffer.size() < (std::size_t{1} << 20)) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (found == nullptr) return fail(std::move(unknown), code);
    return User{found->pw_name, found->pw_uid, found->pw_gid};
  }
}

}  // namespace

Result<User> find_user(uid_t uid) {
  return look_up([uid](passwd* entry, char* buffer, std::size_t size,
                       passwd** found) { return getpwuid_r(uid, entry, buffer, size, found); },
                 "Can't find uid " + std::to_string(uid));
}

Result<User> find_user(std::string_view name_or_uid) {
  if (const auto number = to_int(name_or_uid)) {
    if (*number >= 0 && *number < std::numeric_limits<uid_t>::max()) return find_user(static_cast<uid_t>(*number));
    return fail("Can't find uid " + std::to_string(*number));
  }
  const std::string name(name_or_uid);
  return look_up([&name](passwd* entry, char* buffer, std::size_t size,
                         passwd** found) { return getpwnam_r(name.c_str(), entry, buffer, size, found); },
                 "Can't find username " + python_repr(name));
}

std::vector<gid_t> groups_of(const User& user) {
  std::vector<gid_t> groups(32);
  while (true) {
    int count = static_cast<int>(groups.size());
    if (getgrouplist(user.name.c_str(), user.gid, groups.data(), &count) >= 0) {
      groups.resize(static_cast<std::size_t>(count));
      return groups;
    }
    // It answers how many there are; a list that still does not fit has just grown.
    if (groups.size() >= 65536) return {user.gid};
    groups.resize(std::max(static_cast<std::size_t>(count), groups.size() * 2));
  }
}

Result<> drop_privileges(uid_t uid, gid_t gid, std::span<const gid_t> groups) {
  if (getuid() == uid) return {};
  if (getuid() != 0) return fail("Can't drop privilege as nonroot user", EPERM);
  if (setgroups(groups.size(), groups.data()) != 0) return fail("Could not set groups of effective user", errno);
  if (setgid(gid) != 0) return fail("Could not set group id of effective user", errno);
  if (setuid(uid) != 0) return std::unexpected(system_error("setuid", std::to_string(uid), errno));
  return {};
}

}  // namespace sup::os
