#include "daemon/snapshot.h"

#include <charconv>
#include <utility>

#include "base/strings.h"
#include "os/memory_file.h"

namespace sup::daemon {
namespace {

// An answer that may be missing: "-" or "+" and the value.
std::string pack(const std::optional<std::uint32_t>& value) { return value ? "+" + std::to_string(*value) : "-"; }

std::optional<std::uint32_t> unpack(std::string_view text) {
  if (text.empty() || text.front() != '+') return std::nullopt;
  const auto number = to_int(text.substr(1));
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

// Lists: each item followed by a NUL, which no path can hold.
std::string pack(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out.append(item).push_back('\0');
  return out;
}

std::vector<std::string> unpack_list(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const auto end = text.find('\0');
    list.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return list;
}

void append_field(std::string& out, std::string_view bytes) {
  out += std::to_string(bytes.size());
  out += ':';
  out += bytes;
}

bool take_field(std::string_view& rest, std::string& field) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  if (error != std::errc{} || end == rest.data() + rest.size() || *end != ':') return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  if (size > rest.size()) return false;
  field = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

}  // namespace

Result<UniqueFd> write_snapshot(const Snapshot& snapshot) {
  std::string bytes;
  for (const auto& [question, answer] : snapshot) {
    append_field(bytes, question);
    append_field(bytes, answer);
  }
  return os::write_memory_file("supervisord configuration", bytes);
}

Result<Snapshot> read_snapshot(int fd) {
  const auto bytes = os::read_memory_file(fd);
  if (!bytes) return std::unexpected(bytes.error());
  return parse_snapshot(*bytes);
}

Result<Snapshot> parse_snapshot(std::string_view bytes) {
  Snapshot snapshot;
  while (!bytes.empty()) {
    std::string question;
    std::string answer;
    if (!take_field(bytes, question) || !take_field(bytes, answer)) return fail("the configuration snapshot is damaged");
    snapshot.emplace(std::move(question), std::move(answer));
  }
  return snapshot;
}

template <class Ask>
std::string RecordingHost::answer(std::string question, Ask ask) const {
  const auto known = answers_.find(question);
  if (known != answers_.end()) return known->second;
  return answers_.emplace(std::move(question), ask()).first->second;
}

Result<std::string> RecordingHost::read_file(const std::string& path) const {
  const std::string packed = answer("read_file " + path, [&] {
    const auto text = system_.read_file(path);
    return text ? "+" + *text : std::to_string(text.error().code) + ":" + text.error().text;
  });
  if (packed.starts_with('+')) return packed.substr(1);
  const auto colon = packed.find(':');
  return fail(packed.substr(colon + 1), static_cast<int>(to_int(packed.substr(0, colon)).value_or(0)));
}

std::vector<std::string> RecordingHost::glob(const std::string& pattern) const {
  return unpack_list(answer("glob " + pattern, [&] { return pack(system_.glob(pattern)); }));
}

bool RecordingHost::exists(const std::string& path) const {
  return answer("exists " + path, [&] { return std::string(system_.exists(path) ? "y" : "n"); }) == "y";
}

bool RecordingHost::is_directory(const std::string& path) const {
  return answer("is_directory " + path, [&] { return std::string(system_.is_directory(path) ? "y" : "n"); }) == "y";
}

std::string RecordingHost::working_directory() const {
  return answer("working_directory", [&] { return system_.working_directory(); });
}

std::string RecordingHost::host_name() const {
  return answer("host_name", [&] { return system_.host_name(); });
}

std::string RecordingHost::home() const {
  return answer("home", [&] { return system_.home(); });
}

std::string RecordingHost::home_of(const std::string& user) const {
  return answer("home_of " + user, [&] { return system_.home_of(user); });
}

std::optional<std::uint32_t> RecordingHost::uid_of(const std::string& user) const {
  return unpack(answer("uid_of " + user, [&] { return pack(system_.uid_of(user)); }));
}

bool RecordingHost::uid_exists(std::uint32_t uid) const {
  return answer("uid_exists " + std::to_string(uid), [&] { return std::string(system_.uid_exists(uid) ? "y" : "n"); }) ==
         "y";
}

std::optional<std::uint32_t> RecordingHost::gid_of(const std::string& group) const {
  return unpack(answer("gid_of " + group, [&] { return pack(system_.gid_of(group)); }));
}

bool RecordingHost::gid_exists(std::uint32_t gid) const {
  return answer("gid_exists " + std::to_string(gid), [&] { return std::string(system_.gid_exists(gid) ? "y" : "n"); }) ==
         "y";
}

std::optional<std::uint32_t> RecordingHost::primary_gid(std::uint32_t uid) const {
  return unpack(answer("primary_gid " + std::to_string(uid), [&] { return pack(system_.primary_gid(uid)); }));
}

std::uint32_t RecordingHost::uid() const {
  return unpack(answer("uid", [&] { return pack(std::optional(system_.uid())); })).value_or(0);
}

std::vector<std::string> RecordingHost::temporary_directories() const {
  return unpack_list(answer("temporary_directories", [&] { return pack(system_.temporary_directories()); }));
}

}  // namespace sup::daemon
