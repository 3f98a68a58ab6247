#include "os/self_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

namespace sup::os {
namespace {

// Is it the file that runs now? Anything else of that name is not ours to start.
bool is_running_program(const std::string& path) {
  struct stat named {};
  struct stat running {};
  return stat(path.c_str(), &named) == 0 && stat("/proc/self/exe", &running) == 0 && named.st_dev == running.st_dev &&
         named.st_ino == running.st_ino;
}

}  // namespace

std::string self_path(const std::string& argv0) {
  char resolved[PATH_MAX];
  if (argv0.find('/') != std::string::npos && is_running_program(argv0)) {
    // Absolute, since the working directory changes; links are kept, for they are how versions are switched.
    if (argv0.front() == '/') return argv0;
    if (getcwd(resolved, sizeof resolved) != nullptr) return std::string(resolved) + "/" + argv0;
  }
  const ssize_t length = readlink("/proc/self/exe", resolved, sizeof resolved);
  if (length > 0 && length < static_cast<ssize_t>(sizeof resolved)) return {resolved, static_cast<std::size_t>(length)};
  return "/proc/self/exe";
}

}  // namespace sup::os
