#include "logs/main_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/strings.h"

namespace sup::logs {
namespace {

std::string_view label(Level level) {
  switch (level) {
    case Level::blather:
      return "BLAT";
    case Level::trace:
      return "TRAC";
    case Level::debug:
      return "DEBG";
    case Level::info:
      return "INFO";
    case Level::warn:
      return "WARN";
    case Level::error:
      return "ERRO";
    case Level::critical:
      return "CRIT";
  }
  return "CRIT";
}

}  // namespace

std::string LineFormat::line(Level level, std::string_view message, WallTime time) {
  const auto whole = std::chrono::floor<Seconds>(time);
  const std::time_t second = whole.time_since_epoch().count();
  if (second != second_ || stamp_.empty()) {
    std::tm local{};
    ::localtime_r(&second, &local);
    stamp_ = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                         local.tm_hour, local.tm_min, local.tm_sec);
    second_ = second;
  }
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
  return fmt::format("{},{:03} {} {}", stamp_, milliseconds, label(level), message);
}

std::string format_line(Level level, std::string_view message, WallTime time) {
  return LineFormat().line(level, message, time);
}

MainLog::MainLog(Plan plan, const Clock& clock) : plan_(std::move(plan)), clock_(clock) {
  if (plan_.to_syslog) plan_.file.path.clear();
}

Result<> MainLog::open() {
  if (!plan_.file.path.empty()) {
    auto file = RotatingFile::open(plan_.file);
    if (!file) return std::unexpected(std::move(file.error()));
    file_ = std::move(*file);
  }
  if (plan_.to_stdout) {
    auto target = Target::share(STDOUT_FILENO);
    if (target) stdout_ = std::move(*target);  // a closed standard output is no reason to fail
  }
  open_ = true;
  for (const Early& early : std::exchange(early_, {}))
    put(early.level, early.message, early.time);
  if (file_.ignores_max_bytes()) {
    (*this)(Level::warn, "logfile {} cannot be rotated since it is no regular file; logfile_maxbytes is ignored",
            plan_.file.path);
  }
  return {};
}

Result<> MainLog::clear() {
  if (auto removed = file_.remove(); !removed) return removed;
  for (int place = plan_.to_stdout ? 2 : 1; place > 0; --place) write(Level::info, "reopening log file");
  return file_.reopen();
}

void MainLog::end_torn_line() {
  const auto end = file_.mark();
  const UniqueFd reader(end && end->size > 0 ? ::open(plan_.file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1);
  char last = '\n';
  if (reader && ::pread(reader.get(), &last, 1, end->size - 1) == 1 && last != '\n') {
    static_cast<void>(file_.append("\n"));
  }
}

void MainLog::write(Level level, std::string_view message) {
  if (!wants(level)) return;
  const WallTime time = clock_.now().wall;
  if (open_) {
    put(level, message, time);
  } else {
    early_.push_back({level, std::string(message), time});
  }
}

void MainLog::put(Level level, std::string_view message, WallTime time) {
  if (plan_.to_syslog) put_to_syslog(level, message, time);
  if (!plan_.to_stdout && !file_.is_open()) return;
  std::string line = format_.line(level, message, time);
  line += '\n';
  // Nobody is left to tell that standard output does not work.
  if (plan_.to_stdout && stdout_.is_open()) static_cast<void>(stdout_.write(line));
  put_to_file(line, time);
}

void MainLog::put_to_file(std::string_view line, WallTime time) {
  const auto lost_before = file_.lost();
  const auto written = file_.write(line);
  if (file_.lost() != lost_before) return;
  if (written) {
    rotation_failed_ = false;
  } else if (!rotation_failed_) {
    rotation_failed_ = true;
    tell(Level::error, fmt::format("could not rotate the log, writing on to the open file: {}", written.error().text),
         time);
  }
  if (lost_before != lost_told_) {
    tell(Level::error, fmt::format("{} bytes of this log could not be written and are lost", lost_before - lost_told_),
         time);
    lost_told_ = lost_before;
  }
}

// About the file itself, in the file; if that fails too, the next line that gets through brings it up again.
void MainLog::tell(Level level, std::string_view message, WallTime time) {
  static_cast<void>(file_.write(format_.line(level, message, time) + "\n"));
}

void MainLog::put_to_syslog(Level level, std::string_view message, WallTime time) {
  while (message.ends_with('\n'))
    message.remove_suffix(1);
  for (const std::string_view line : split(message, '\n')) {
    static_cast<void>(syslog_.send(format_.line(level, line, time), time));
  }
}

}  // namespace sup::logs
