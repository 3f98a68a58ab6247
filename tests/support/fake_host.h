// A machine for the configuration loader that exists only in a test: files, directories, users and variables as set.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/load.h"

namespace sup::test {

class FakeHost final : public config::Host {
 public:
  std::map<std::string, std::string> files;  // by absolute path
  std::set<std::string> unreadable;          // exist, but cannot be opened
  std::set<std::string> directories{"/", "/etc", "/tmp", "/home/chris", "/var/log"};
  std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> users{
      {"root", {0, 0}}, {"chris", {1000, 1001}}, {"nobody", {65534, 65533}}};  // uid and primary gid
  std::map<std::string, std::uint32_t> groups{{"root", 0}, {"adm", 4}, {"nogroup", 65533}};
  std::map<std::string, std::string> variables{{"HOME", "/home/chris"}, {"PATH", "/bin"}};
  std::string cwd = "/etc";
  std::uint32_t own_uid = 0;

  Result<std::string> read_file(const std::string& path) const override {
    if (unreadable.contains(path)) return std::unexpected(system_error("open", path, EACCES));
    if (directories.contains(path)) return std::unexpected(system_error("read", path, EISDIR));
    const auto file = files.find(path);
    if (file == files.end()) return std::unexpected(system_error("open", path, ENOENT));
    return file->second;
  }
  // Only `*` is special, and it does not stop at a slash.
  std::vector<std::string> glob(const std::string& pattern) const override {
    std::vector<std::string> found;
    // Backwards: the loader has to sort.
    for (auto file = files.rbegin(); file != files.rend(); ++file)
      if (matches(pattern, file->first)) found.push_back(file->first);
    for (const auto& path : directories)
      if (matches(pattern, path)) found.push_back(path);
    return found;
  }
  bool exists(const std::string& path) const override {
    const std::string full = path.starts_with('/') ? path : cwd + "/" + path;
    return files.contains(full) || directories.contains(full) || unreadable.contains(full);
  }
  bool is_directory(const std::string& path) const override { return directories.contains(path); }
  std::string working_directory() const override { return cwd; }
  std::string host_name() const override { return "box"; }
  std::string home() const override { return "/home/chris"; }
  std::string home_of(const std::string& user) const override { return users.contains(user) ? "/home/" + user : ""; }
  std::optional<std::uint32_t> uid_of(const std::string& user) const override {
    const auto found = users.find(user);
    return found == users.end() ? std::nullopt : std::optional(found->second.first);
  }
  bool uid_exists(std::uint32_t uid) const override { return primary_gid(uid).has_value(); }
  std::optional<std::uint32_t> gid_of(const std::string& group) const override {
    const auto found = groups.find(group);
    return found == groups.end() ? std::nullopt : std::optional(found->second);
  }
  bool gid_exists(std::uint32_t gid) const override {
    for (const auto& [name, number] : groups)
      if (number == gid) return true;
    return false;
  }
  std::optional<std::uint32_t> primary_gid(std::uint32_t uid) const override {
    for (const auto& [name, ids] : users)
      if (ids.first == uid) return ids.second;
    return std::nullopt;
  }
  std::uint32_t uid() const override { return own_uid; }
  std::vector<std::string> temporary_directories() const override { return {"/nowhere", "/tmp"}; }
  const std::map<std::string, std::string>& environment() const override { return variables; }

 private:
  // In steps, not by trying: patterns may come from a fuzzer.
  static bool matches(std::string_view pattern, std::string_view path) {
    constexpr auto none = std::string_view::npos;
    std::size_t at = 0, in = 0;
    std::size_t star = none, from = 0;  // the last `*`, and what it has not swallowed yet
    while (in < path.size()) {
      if (at < pattern.size() && pattern[at] == '*') {
        star = at++;
        from = in;
      } else if (at < pattern.size() && pattern[at] == path[in]) {
        ++at;
        ++in;
      } else if (star != none) {
        at = star + 1;
        in = ++from;
      } else {
        return false;
      }
    }
    return pattern.find_first_not_of('*', at) == none;
  }
};

}  // namespace sup::test
