#include "os/self_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <string_view>

#include "base/strings.h"

namespace sup::os {

bool is_running_program(const std::string& path) {
  struct stat named {};
  struct stat running {};
  return stat(path.c_str(), &named) == 0 && stat("/proc/self/exe", &running) == 0 && named.st_dev == running.st_dev &&
         named.st_ino == running.st_ino;
}

namespace {

// The shell's word for where we are still has the links on the way there.
std::string working_directory() {
  struct stat named {};
  struct stat here {};
  const char* shell = std::getenv("PWD");
  if (shell != nullptr && shell[0] == '/' && stat(shell, &named) == 0 && stat(".", &here) == 0 &&
      named.st_dev == here.st_dev && named.st_ino == here.st_ino) {
    return shell;
  }
  char resolved[PATH_MAX];
  return getcwd(resolved, sizeof resolved) != nullptr ? resolved : "";
}

// As a shell finds a command.
std::string find_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string_view directory : split(path != nullptr ? path : "", ':')) {
    std::string candidate = std::string(directory) + "/" + name;
    if (directory.starts_with('/') && is_running_program(candidate)) return candidate;
  }
  return {};
}

}  // namespace

// Absolute, since the working directory changes; links are kept, for they are how versions are switched.
std::string self_path(const std::string& argv0) {
  if (argv0.find('/') == std::string::npos) {
    if (std::string found = find_in_path(argv0); !found.empty()) return found;
  } else if (is_running_program(argv0)) {
    if (argv0.front() == '/') return argv0;
    if (const std::string directory = working_directory(); !directory.empty()) return directory + "/" + argv0;
  }
  char resolved[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", resolved, sizeof resolved);
  if (length > 0 && length < static_cast<ssize_t>(sizeof resolved)) return {resolved, static_cast<std::size_t>(length)};
  return "/proc/self/exe";
}

}  // namespace sup::os
