#include "os/config_host.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/unique_fd.h"
#include "os/glob.h"

extern char** environ;

namespace sup::os {
namespace {

// A configuration file larger than this is something else.
constexpr std::size_t largest_file = 64UL * 1024 * 1024;

// Runs one of the getpw* and getgr* functions with a buffer that grows until the entry fits.
template <class Entry, class Find>
std::optional<Entry> look_up(std::vector<char>& buffer, Find find) {
  for (buffer.resize(4096); buffer.size() <= 1024UL * 1024; buffer.resize(buffer.size() * 2)) {
    Entry entry{};
    Entry* found = nullptr;
    const int code = find(&entry, buffer.data(), buffer.size(), &found);
    if (code == ERANGE) continue;
    if (code != 0 || found == nullptr) return std::nullopt;
    return entry;
  }
  return std::nullopt;
}

std::optional<passwd> user_entry(const std::string& name, std::vector<char>& buffer) {
  return look_up<passwd>(buffer, [&](passwd* entry, char* data, std::size_t size, passwd** found) {
    return getpwnam_r(name.c_str(), entry, data, size, found);
  });
}

std::optional<passwd> user_entry(std::uint32_t uid, std::vector<char>& buffer) {
  return look_up<passwd>(buffer, [&](passwd* entry, char* data, std::size_t size, passwd** found) {
    return getpwuid_r(uid, entry, data, size, found);
  });
}

}  // namespace

ConfigHost::ConfigHost() {
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    if (equals != text.npos) environment_.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
}

Result<std::string> ConfigHost::read_file(const std::string& path) const {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return std::unexpected(system_error("open", path, errno));
  struct stat status {};
  const bool sized = ::fstat(file.get(), &status) == 0 && status.st_size > 0;
  std::string text(sized ? std::min(static_cast<std::size_t>(status.st_size), largest_file) + 1 : 4096, '\0');
  std::size_t size = 0;
  for (;;) {
    const auto got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error("read", path, errno));
    size += static_cast<std::size_t>(got);
    if (size > largest_file) return std::unexpected(system_error("read", path, EFBIG));
    if (got == 0) break;
    if (size == text.size()) text.resize(size * 2);
  }
  text.resize(size);
  return text;
}

std::vector<std::string> ConfigHost::glob(const std::string& pattern) const {
  return os::glob(pattern);
}

bool ConfigHost::exists(const std::string& path) const {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

bool ConfigHost::is_directory(const std::string& path) const {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string ConfigHost::working_directory() const {
  char* name = ::getcwd(nullptr, 0);
  if (name == nullptr) return "/";
  std::string directory = name;
  std::free(name);
  return directory;
}

std::string ConfigHost::host_name() const {
  utsname name{};
  return ::uname(&name) == 0 ? name.nodename : "";
}

std::string ConfigHost::home() const {
  const auto variable = environment_.find("HOME");
  if (variable != environment_.end()) return variable->second;
  std::vector<char> buffer;
  const auto entry = user_entry(::getuid(), buffer);
  return entry ? entry->pw_dir : "";
}

std::string ConfigHost::home_of(const std::string& user) const {
  std::vector<char> buffer;
  const auto entry = user_entry(user, buffer);
  return entry ? entry->pw_dir : "";
}

std::optional<std::uint32_t> ConfigHost::uid_of(const std::string& user) const {
  std::vector<char> buffer;
  const auto entry = user_entry(user, buffer);
  return entry ? std::optional<std::uint32_t>(entry->pw_uid) : std::nullopt;
}

bool ConfigHost::uid_exists(std::uint32_t uid) const {
  std::vector<char> buffer;
  return user_entry(uid, buffer).has_value();
}

std::optional<std::uint32_t> ConfigHost::gid_of(const std::string& group_name) const {
  std::vector<char> buffer;
  const auto entry = look_up<group>(buffer, [&](group* into, char* data, std::size_t size, group** found) {
    return getgrnam_r(group_name.c_str(), into, data, size, found);
  });
  return entry ? std::optional<std::uint32_t>(entry->gr_gid) : std::nullopt;
}

bool ConfigHost::gid_exists(std::uint32_t gid) const {
  std::vector<char> buffer;
  return look_up<group>(buffer, [&](group* into, char* data, std::size_t size,
                                    group** found) { return getgrgid_r(gid, into, data, size, found); })
      .has_value();
}

std::optional<std::uint32_t> ConfigHost::primary_gid(std::uint32_t uid) const {
  std::vector<char> buffer;
  const auto entry = user_entry(uid, buffer);
  return entry ? std::optional<std::uint32_t>(entry->pw_gid) : std::nullopt;
}

std::uint32_t ConfigHost::uid() const {
  return ::geteuid();
}

std::vector<std::string> ConfigHost::temporary_directories() const {
  std::vector<std::string> candidates;
  for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
    const auto variable = environment_.find(name);
    if (variable != environment_.end() && !variable->second.empty()) candidates.push_back(variable->second);
  }
  candidates.insert(candidates.end(), {"/tmp", "/var/tmp", "/usr/tmp", working_directory()});
  std::erase_if(candidates, [](const std::string& path) { return ::access(path.c_str(), W_OK | X_OK) != 0; });
  return candidates;
}

}  // namespace sup::os
