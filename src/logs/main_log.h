// The daemon's own log: Supervisor's line format, to a rotating file, to standard output in the foreground, or to syslog.
//
//   2026-11-22 17:12:01,123 INFO spawned: 'mail' with pid 4711
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "logs/rotating_file.h"

namespace sup::logs {

// One line without its newline; local time, milliseconds truncated.
[[nodiscard]] std::string format_line(Level level, std::string_view message, WallTime time);

class MainLog final : public Log {
 public:
  struct Plan {
    Level level = Level::info;
    bool to_stdout = false;
    bool to_syslog = false;  // then `file` is not used
    FilePlan file;
  };

  MainLog(Plan plan, const Clock& clock);
  // Until open() messages are only kept in memory; open() writes them. Fails when the file cannot be opened.
  [[nodiscard]] Result<> open();

  void write(Level level, std::string_view message) override;
  [[nodiscard]] bool wants(Level level) const override { return level >= plan_.level; }

  // Standard output is no longer ours (daemon mode).
  void drop_stdout() { plan_.to_stdout = false; }
  [[nodiscard]] Result<> reopen();
  [[nodiscard]] Result<> clear();
  // The path of the file, or empty when there is none to read.
  [[nodiscard]] const std::string& path() const;

 private:
  Plan plan_;
  const Clock& clock_;
  RotatingFile file_;
  std::string early_;  // formatted lines from before open()
  bool open_ = false;
};

}  // namespace sup::logs
