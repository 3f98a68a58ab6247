// A log file in append mode that is rotated by size, with Supervisor's rules and names (docs/logs.md):
// after each write, at max_bytes or more: base.N-1 -> base.N ... base -> base.1, then a new, empty base.
//
// Rotation is resumable: when a step fails the open file is written on, the failure is reported once, and the next
// attempt comes after the next max_bytes. Targets that cannot be positioned (pipes, terminals, /dev/stdout) never rotate.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sup::logs {

struct FilePlan {
  std::string path;
  long long max_bytes = 0;  // 0: never rotate
  long long backups = 0;    // 0: truncate instead
};

class RotatingFile {
 public:
  RotatingFile() = default;  // closed: write() does nothing
  // Creates the file where it is missing (0666 & umask). Never waits, not even for a FIFO without reader.
  [[nodiscard]] static Result<RotatingFile> open(FilePlan plan);

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  [[nodiscard]] const FilePlan& plan() const { return plan_; }

  // Writes everything, or says why it could not; bytes that did not fit are counted in lost() and not kept.
  [[nodiscard]] Result<> write(std::string_view bytes);
  // The file at this path may have been moved away: begin anew by name.
  [[nodiscard]] Result<> reopen();
  // Removes the file (not its backups) and begins anew.
  [[nodiscard]] Result<> clear();
  [[nodiscard]] unsigned long long lost() const { return lost_; }

 private:
  [[nodiscard]] Result<> rotate();

  FilePlan plan_;
  UniqueFd fd_;
  long long size_ = 0;         // of the file, as far as we know: others may truncate it
  long long rotate_at_ = 0;    // size at which the next rotation is tried
  bool can_rotate_ = false;
  unsigned long long lost_ = 0;
};

}  // namespace sup::logs
