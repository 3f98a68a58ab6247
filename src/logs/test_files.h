// For the tests of this folder: a folder of their own, and a disk that fails on demand.
#pragma once

#include <algorithm>
#include <cerrno>
#include <string>

#include "logs/files.h"
#include "support/test_folder.h"

namespace sup::logs {

using test::TestFolder;

// The real disk until a member says otherwise.
struct FaultyFiles final : Files {
  mutable int write_error = 0;
  mutable int interruptions = 0;               // writes that fail with EINTR first
  mutable std::size_t most = ~std::size_t{0};  // bytes that one write takes
  mutable std::size_t room = ~std::size_t{0};  // bytes until the disk is full
  mutable int open_error = 0;
  mutable std::string rename_fails_from;  // the source of the rename that fails
  mutable int unlink_error = 0;

  int open(const char* path, int flags, mode_t mode) const override {
    if (open_error == 0) return Files::open(path, flags, mode);
    errno = open_error;
    return -1;
  }
  ssize_t write(int fd, const void* bytes, std::size_t size) const override {
    if (interruptions > 0) {
      --interruptions;
      errno = EINTR;
      return -1;
    }
    if (write_error != 0 || room == 0) {
      errno = write_error != 0 ? write_error : ENOSPC;
      return -1;
    }
    const ssize_t n = Files::write(fd, bytes, std::min({size, most, room}));
    if (n > 0 && room != ~std::size_t{0}) room -= static_cast<std::size_t>(n);
    return n;
  }
  int rename(const char* from, const char* to) const override {
    if (rename_fails_from != from) return Files::rename(from, to);
    errno = EACCES;
    return -1;
  }
  int unlink(const char* path) const override {
    if (unlink_error == 0) return Files::unlink(path);
    errno = unlink_error;
    return -1;
  }
};

}  // namespace sup::logs
