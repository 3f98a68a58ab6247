#include "config/paths.h"

#include <vector>

#include "base/strings.h"

namespace sup::config {

std::string directory_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return {};
  auto head = path.substr(0, slash + 1);
  const auto last = head.find_last_not_of('/');
  if (last != head.npos) head = head.substr(0, last + 1);
  return std::string(head);
}

std::string join_path(std::string_view base, std::string_view path) {
  if (path.starts_with('/') || base.empty()) return std::string(path);
  std::string joined(base);
  if (!joined.ends_with('/')) joined += '/';
  joined += path;
  return joined;
}

std::string normal_path(std::string_view path) {
  if (path.empty()) return ".";
  // POSIX leaves the meaning of exactly two leading slashes open, and Python keeps them.
  std::string_view root = path.starts_with('/') ? "/" : "";
  if (path.starts_with("//") && !path.starts_with("///")) root = "//";
  std::vector<std::string_view> parts;
  for (const auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || root.empty()) {
      parts.push_back(part);
    }
  }
  std::string normal(root);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) normal += '/';
    normal += parts[i];
  }
  return normal.empty() ? "." : normal;
}

std::string absolute_path(std::string_view path, const Host& host) {
  if (path.starts_with('/')) return normal_path(path);
  return normal_path(join_path(host.working_directory(), path));
}

std::string expand_user(std::string_view path, const Host& host) {
  if (!path.starts_with('~')) return std::string(path);
  const auto end = std::min(path.find('/'), path.size());
  std::string home = end == 1 ? host.home() : host.home_of(std::string(path.substr(1, end - 1)));
  if (home.empty()) return std::string(path);
  while (home.ends_with('/'))
    home.pop_back();
  home += path.substr(end);
  return home.empty() ? "/" : home;
}

std::string normalize_path(std::string_view path, const Host& host) {
  return absolute_path(expand_user(path, host), host);
}

}  // namespace sup::config
