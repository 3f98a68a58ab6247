#include "os/glob.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/utf8.h"

namespace sup::os {
namespace {

bool has_magic(std::string_view text) {
  return text.find_first_of("*?[") != text.npos;
}

std::string_view first_character(std::string_view text) {
  return text.substr(0, utf8_step(text).length);
}

// The set in brackets at the front of a pattern.
struct Set {
  std::string_view body;
  bool negated = false;
  std::size_t length = 0;  // of the whole, brackets included
};

// Nothing when the bracket is never closed: then it stands for itself. A `]` right behind the opening belongs to the
// set.
std::optional<Set> bracket_set(std::string_view pattern) {
  std::size_t start = 1;
  const bool negated = start < pattern.size() && pattern[start] == '!';
  if (negated) ++start;
  const auto close = pattern.find(']', start + 1);
  if (close == pattern.npos) return std::nullopt;
  return Set{pattern.substr(start, close - start), negated, close + 1};
}

// UTF-8 orders as its code points do, so that ranges compare the bytes.
bool set_has(std::string_view body, std::string_view character) {
  while (!body.empty()) {
    const auto low = first_character(body);
    body.remove_prefix(low.size());
    auto high = low;
    if (body.size() >= 2 && body.front() == '-') {
      high = first_character(body.substr(1));
      body.remove_prefix(1 + high.size());
    }
    if (low <= character && character <= high) return true;
  }
  return false;
}

// What the element at the front of the pattern takes from the name: how far both advance; nothing if they differ.
struct Step {
  std::size_t pattern;
  std::size_t name;
};
std::optional<Step> one(std::string_view pattern, std::string_view name) {
  const auto character = first_character(name);
  if (pattern.front() == '?') return Step{1, character.size()};
  if (pattern.front() == '[') {
    if (const auto set = bracket_set(pattern)) {
      if (set_has(set->body, character) == set->negated) return std::nullopt;
      return Step{set->length, character.size()};
    }
  }
  if (pattern.front() != name.front()) return std::nullopt;
  return Step{1, 1};
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.empty() ? "." : directory.c_str()), ::closedir);
  if (!handle) return names;
  while (const auto* entry = ::readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string joined(const std::string& directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(name);
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view name) {
  // Where to go on when a `*` has to take one character more.
  std::optional<std::string_view> star_pattern;
  std::string_view star_name;
  while (!name.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_name = name;
      continue;
    }
    const auto step = pattern.empty() ? std::nullopt : one(pattern, name);
    if (step) {
      pattern.remove_prefix(step->pattern);
      name.remove_prefix(step->name);
    } else if (star_pattern) {
      star_name.remove_prefix(first_character(star_name).size());
      name = star_name;
      pattern = *star_pattern;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*') == pattern.npos;
}

std::vector<std::string> glob(const std::string& pattern) {
  if (!has_magic(pattern)) return exists(pattern) ? std::vector{pattern} : std::vector<std::string>();
  const auto slash = pattern.rfind('/');
  const std::string last = slash == pattern.npos ? pattern : pattern.substr(slash + 1);
  std::string parent = slash == pattern.npos ? "" : pattern.substr(0, slash + 1);
  if (const auto end = parent.find_last_not_of('/'); end != parent.npos) parent.resize(end + 1);

  std::vector<std::string> directories{parent};
  if (has_magic(parent)) directories = glob(parent);
  std::vector<std::string> found;
  for (const auto& directory : directories) {
    if (!has_magic(last)) {
      if (last.empty() ? is_directory(directory) : exists(joined(directory, last))) {
        found.push_back(last.empty() ? directory + "/" : joined(directory, last));
      }
      continue;
    }
    for (const auto& name : names_in(directory)) {
      const bool hidden = name.starts_with('.') && !last.starts_with('.');
      if (!hidden && glob_match(last, name)) found.push_back(joined(directory, name));
    }
  }
  return found;
}

}  // namespace sup::os
