// The calls through which log files touch the disk: the real ones here, failing ones in tests.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace sup::logs {

// Each member is the system call of its name: -1 and errno say that it failed.
class Files {
 public:
  virtual ~Files() = default;
  virtual int open(const char* path, int flags, mode_t mode) const;
  virtual ssize_t write(int fd, const void* bytes, std::size_t size) const;
  virtual int rename(const char* from, const char* to) const;
  virtual int unlink(const char* path) const;
  virtual int ftruncate(int fd, off_t size) const;
};

[[nodiscard]] const Files& real_files();

}  // namespace sup::logs
