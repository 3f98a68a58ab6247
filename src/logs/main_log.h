// The daemon's own log: Supervisor's line format, to a rotating file, to standard output in the foreground, or to
// syslog.
//
//   2026-11-22 17:12:01,123 INFO spawned: 'mail' with pid 4711
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "logs/rotating_file.h"
#include "logs/syslog.h"
#include "logs/target.h"

namespace sup::logs {

// Makes lines; keeps the local time of the last second, which is the same for most lines.
class LineFormat {
 public:
  // One line without its newline; local time, milliseconds truncated.
  [[nodiscard]] std::string line(Level level, std::string_view message, WallTime time);

 private:
  std::time_t second_ = -1;
  std::string stamp_;  // of second_
};

// The same for a single line.
[[nodiscard]] std::string format_line(Level level, std::string_view message, WallTime time);

class MainLog final : public Log {
 public:
  struct Plan {
    Level level = Level::info;
    bool to_stdout = false;
    bool to_syslog = false;  // then `file` is not used
    FilePlan file;           // an empty path: no file
  };

  MainLog(Plan plan, const Clock& clock);
  // Until open() messages are only kept in memory; open() writes them. Fails when the file cannot be opened.
  [[nodiscard]] Result<> open();

  // After open(), for the successor of a process that was killed: a kill may have cut its last line short.
  void end_torn_line();

  void write(Level level, std::string_view message) override;
  [[nodiscard]] bool wants(Level level) const override { return level >= plan_.level; }

  // Standard output is no longer ours (daemon mode).
  void drop_stdout() { plan_.to_stdout = false; }
  [[nodiscard]] Result<> reopen() { return file_.reopen(); }
  // Begins a new file in place of the one there is, whose last words say so.
  [[nodiscard]] Result<> clear();
  // The path of the file, or empty when there is none to read.
  [[nodiscard]] const std::string& path() const { return plan_.file.path; }

 private:
  void put(Level level, std::string_view message, WallTime time);
  void put_to_file(std::string_view line, WallTime time);
  void tell(Level level, std::string_view message, WallTime time);
  void put_to_syslog(Level level, std::string_view message, WallTime time);

  Plan plan_;
  const Clock& clock_;
  LineFormat format_;
  RotatingFile file_;
  Target stdout_;
  Syslog syslog_;
  unsigned long long lost_told_ = 0;  // of file_.lost(), what a line in the file says
  bool rotation_failed_ = false;      // and a line says so

  struct Early {
    Level level;
    std::string message;
    WallTime time;
  };
  std::vector<Early> early_;  // from before open()
  bool open_ = false;
};

}  // namespace sup::logs
