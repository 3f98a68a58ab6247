// For the tests of this folder: a folder of their own, and a disk that fails on demand.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "logs/files.h"

namespace sup::logs {

class TestFolder {
 public:
  TestFolder() {
    std::string name = testing::TempDir() + "logs-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << name;
    root_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
  void put(const std::string& name, std::string_view content) const {
    std::FILE* file = std::fopen(path(name).c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fwrite(content.data(), 1, content.size(), file);
    std::fclose(file);
  }
  // "(missing)" for a file that is not there.
  [[nodiscard]] std::string get(const std::string& name) const {
    std::FILE* file = std::fopen(path(name).c_str(), "r");
    if (file == nullptr) return "(missing)";
    std::string content;
    char buffer[65536];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
      content.append(buffer, n);
    std::fclose(file);
    return content;
  }

 private:
  std::string root_;
};

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
