// A folder of its own for one unit test; it goes with all that is in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace sup::test {

class TestFolder {
 public:
  TestFolder() : root_(testing::TempDir() + "unit-XXXXXX") {
    if (::mkdtemp(root_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << root_;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return root_; }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
  // Through a link where there is one.
  void put(const std::string& name, std::string_view content) const {
    std::FILE* file = std::fopen(path(name).c_str(), "w");
    ASSERT_NE(file, nullptr) << path(name);
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

}  // namespace sup::test
