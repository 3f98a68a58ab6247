#include "logs/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace sup::logs {

int Files::open(const char* path, int flags, mode_t mode) const {
  return ::open(path, flags, mode);
}
ssize_t Files::write(int fd, const void* bytes, std::size_t size) const {
  return ::write(fd, bytes, size);
}
int Files::rename(const char* from, const char* to) const {
  return ::rename(from, to);
}
int Files::unlink(const char* path) const {
  return ::unlink(path);
}
int Files::ftruncate(int fd, off_t size) const {
  return ::ftruncate(fd, size);
}

const Files& real_files() {
  static const Files files;
  return files;
}

}  // namespace sup::logs
