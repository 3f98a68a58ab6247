#include "daemon/programs_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "os/memory_file.h"
#include "os/other_process.h"

namespace sup::daemon {
namespace {

constexpr off_t most_bytes = 64 << 20;
// "PID START", padded, with what stands between them: the part of a line that changes.
constexpr const char* place_format = "{:>10} {:>20}";
constexpr std::size_t place_size = 31;

// No white space, so that a line is words.
std::string encode(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == '%' || byte == 0x7f) {
      out += fmt::format("%{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::string> decode(std::string_view word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '%') {
      out += word[i];
      continue;
    }
    const auto digits = word.substr(i + 1, 2);
    const auto byte = number<unsigned char>(digits, 16);
    if (!byte || digits.size() != 2) return std::nullopt;
    out += static_cast<char>(*byte);
    i += 2;
  }
  return out;
}

std::optional<ProgramLine> read_line(std::string_view line) {
  const auto words = split_words(line);
  if (words.size() != 5) return std::nullopt;
  const auto pid = number<pid_t>(words[0]);
  const auto start = number<std::uint64_t>(words[1]);
  const auto command = number<std::uint64_t>(words[2], 16);
  auto group = decode(words[3]);
  auto name = decode(words[4]);
  if (!pid || *pid < 0 || *pid == 1 || !start || !command || !group || !name) return std::nullopt;
  return ProgramLine{std::move(*group), std::move(*name), *command, *pid, *start};
}

// Only what nobody else can have written. Nothing where there is no file.
Result<std::string> read_own_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::string();
  if (!fd) return std::unexpected(system_error("open", path, errno));
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return std::unexpected(system_error("stat", path, errno));
  const bool ours = S_ISREG(status.st_mode) && status.st_uid == geteuid() && status.st_nlink == 1 &&
                    (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 && status.st_size <= most_bytes;
  if (!ours) return fail(path + ": not a file that only this user can have written");
  return os::read_memory_file(fd.get());
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::string programs_head(std::string_view pid_space) {
  return fmt::format("supervisord programs 1 {}\n", pid_space);
}

std::string write_line(const ProgramLine& line) {
  return fmt::format(fmt::runtime(place_format), line.pid, line.start) +
         fmt::format(" {:016x} {} {}\n", line.command, encode(line.group), encode(line.name));
}

std::vector<ProgramLine> read_lines(std::string_view text, std::string_view pid_space) {
  std::vector<ProgramLine> lines;
  const std::string head = programs_head(pid_space);
  if (pid_space.empty() || !text.starts_with(head)) return lines;
  text.remove_prefix(head.size());
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    auto line = read_line(text.substr(0, end));
    if (line && line->pid != 0) lines.push_back(std::move(*line));
    text.remove_prefix(end + 1);
  }
  return lines;
}

void ProgramsFile::open(const std::string& pidfile) {
  pid_space_ = os::pid_space();
  if (pid_space_.empty()) return;
  path_ = pidfile + ".programs";
  const auto text = read_own_file(path_);
  if (!text) log_(Level::warn, "programs of an earlier supervisord may be running: {}", text.error().text);
  if (text) found_ = read_lines(*text, pid_space_);
  std::ranges::sort(found_, {}, &ProgramLine::pid);
}

// The descriptor first: whatever process it means it will mean for ever, and then it is seen which one that is.
std::vector<engine::Survivor> ProgramsFile::survivors() const {
  std::vector<engine::Survivor> survivors;
  for (const ProgramLine& line : found_) {
    UniqueFd process = os::open_process(line.pid);
    if (!process || os::start_time(line.pid) != line.start || os::has_ended(process.get())) continue;
    survivors.push_back({line.group, line.name, line.command, line.pid, std::move(process), os::age(line.start)});
  }
  return survivors;
}

// What is not known yet is asked for. The pid of our own child is nobody else's; what we have adopted is in the file.
std::uint64_t ProgramsFile::start_of(const engine::Entry& entry) const {
  const pid_t pid = entry.machine.pid;
  if (const auto place = places_.find(entry.id); place != places_.end() && place->second.pid == pid) {
    return place->second.start;
  }
  for (const ProgramLine& line : std::ranges::equal_range(found_, pid, {}, &ProgramLine::pid)) {
    if (line.name == entry.config.name && line.group == entry.group->config->name) return line.start;
  }
  return os::start_time(pid).value_or(0);
}

void ProgramsFile::write(const engine::Table& table) {
  if (path_.empty()) return;
  std::unordered_map<ProcessId, Place> places;
  std::string text = programs_head(pid_space_);
  for (const auto& [name, group] : table.by_name()) {
    for (const auto& entry : group->entries) {
      ProgramLine line{name, entry->config.name, engine::command_mark(entry->config), 0, 0};
      if (entry->machine.pid != 0) line.start = start_of(*entry);
      if (line.start != 0) line.pid = entry->machine.pid;
      places[entry->id] = {static_cast<off_t>(text.size()), line.pid, line.start};
      text += write_line(line);
    }
  }
  places_ = std::move(places);
  found_.clear();
  auto file = replace(text);
  if (!file) {
    log_(Level::warn, "a supervisord that starts after this one was killed cannot know its programs: {}",
         file.error().text);
    path_.clear();
  }
  file_ = file ? std::move(*file) : UniqueFd();
}

Result<UniqueFd> ProgramsFile::replace(const std::string& text) const {
  const std::string next = path_ + ".new";
  unlink(next.c_str());
  UniqueFd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(system_error("open", next, errno));
  if (write_all(fd.get(), text) && rename(next.c_str(), path_.c_str()) == 0) return fd;
  const int code = errno;
  unlink(next.c_str());
  return std::unexpected(system_error("write", path_, code));
}

void ProgramsFile::on_birth(ProcessId id, pid_t pid) {
  const auto place = places_.find(id);
  if (!file_ || place == places_.end()) return;
  const auto start = os::start_time(pid);
  if (!start) return;
  place->second.pid = pid;
  place->second.start = *start;
  std::array<char, place_size> text;
  fmt::format_to_n(text.data(), text.size(), fmt::runtime(place_format), pid, *start);
  // Over bytes that are there. If it fails all the same, the line means a process that has ended.
  [[maybe_unused]] const ssize_t written = pwrite(file_.get(), text.data(), text.size(), place->second.at);
}

void ProgramsFile::remove() {
  if (file_) unlink(path_.c_str());
  file_.reset();
  path_.clear();
}

}  // namespace sup::daemon
