// A machine for config::Host that exists only in memory.
#pragma once

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/load.h"

namespace sup::testing {

class StubHost final : public config::Host {
 public:
  std::map<std::string, std::string> files;  // by path
  std::set<std::string> directories{"/", "/tmp", "/tmp/", "/home/me", "/home/me/"};
  std::map<std::string, std::string> variables;

  Result<std::string> read_file(const std::string& path) const override {
    const auto file = files.find(path);
    if (file == files.end()) return fail("no such file", ENOENT);
    return file->second;
  }
  std::vector<std::string> glob(const std::string&) const override { return {}; }
  bool exists(const std::string& path) const override { return files.contains(path) || is_directory(path); }
  bool is_directory(const std::string& path) const override { return directories.contains(path); }
  std::string working_directory() const override { return "/tmp"; }
  std::string host_name() const override { return "host"; }
  std::string home() const override { return "/home/me"; }
  std::string home_of(const std::string& user) const override { return user == "root" ? "/root" : ""; }
  std::optional<std::uint32_t> uid_of(const std::string&) const override { return {}; }
  bool uid_exists(std::uint32_t) const override { return false; }
  std::optional<std::uint32_t> gid_of(const std::string&) const override { return {}; }
  bool gid_exists(std::uint32_t) const override { return false; }
  std::optional<std::uint32_t> primary_gid(std::uint32_t) const override { return {}; }
  std::uint32_t uid() const override { return 1000; }
  std::vector<std::string> temporary_directories() const override { return {"/tmp"}; }
  const std::map<std::string, std::string>& environment() const override { return variables; }
};

}  // namespace sup::testing
