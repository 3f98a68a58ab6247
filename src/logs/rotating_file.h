// A log file in append mode that is rotated by size, with Supervisor's rules and names (docs/logs.md):
// after each write, at max_bytes or more: base.N-1 -> base.N ... base -> base.1, then a new, empty base.
//
// Rotation is resumable: when a step fails the open file is written on, the failure is returned once, and the next
// attempt, which goes on at that step, comes after the next max_bytes. Targets that are no regular files (pipes,
// terminals, /dev/stdout) never rotate.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "logs/files.h"
#include "logs/target.h"

namespace sup::logs {

struct FilePlan {
  std::string path;
  long long max_bytes = 0;  // 0: never rotate
  long long backups = 0;    // 0: truncate instead
  bool own = false;         // see Target::open
};

// A file and how long it is at some moment.
struct FileMark {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  long long size = 0;
};

class RotatingFile {
 public:
  static constexpr std::int64_t no_rotation = -2;

  RotatingFile() = default;  // closed: write() does nothing
  // Creates the file where it is missing (0666 & umask). Never waits, not even for a FIFO without reader.
  [[nodiscard]] static Result<RotatingFile> open(FilePlan plan, const Files& files = real_files());

  // Not open, but what reopen() opens.
  [[nodiscard]] static RotatingFile closed(FilePlan plan, const Files& files = real_files());

  [[nodiscard]] bool is_open() const { return target_.is_open(); }
  [[nodiscard]] const FilePlan& plan() const { return plan_; }
  // There is a max_bytes, but this target grows and cannot be rotated: worth a warning. Not so for /dev/null.
  [[nodiscard]] bool ignores_max_bytes() const {
    return plan_.max_bytes > 0 && is_open() && !target_.is_file() && !target_.keeps_nothing();
  }

  [[nodiscard]] bool keeps_nothing() const { return target_.keeps_nothing(); }

  // Writes everything and rotates if it is time. Fails if either did not succeed; bytes that could not be written are
  // counted in lost() and not kept. If lost() did not grow, everything is written and only the rotation failed.
  [[nodiscard]] Result<> write(std::string_view bytes);
  // The same in two steps.
  [[nodiscard]] Result<> append(std::string_view bytes);
  [[nodiscard]] Result<> rotate_if_due();
  // The file at this path may have been moved away: begin anew by name. On failure the old one stays in use.
  [[nodiscard]] Result<> reopen();
  // Removes the file (not its backups); what is written goes to the removed one until reopen(). What is no regular file
  // is left alone.
  [[nodiscard]] Result<> remove() const;
  // Removes the file and begins anew. What is no regular file is left alone.
  [[nodiscard]] Result<> clear();
  [[nodiscard]] unsigned long long lost() const { return lost_; }

  // ---- for who goes on after a process that was killed, see transit.h

  // The open file; nullopt for what is no regular file.
  [[nodiscard]] std::optional<FileMark> mark();
  // How long the marked file is now: the open one, or one that was renamed within its folder. nullopt: gone.
  [[nodiscard]] std::optional<long long> size_of(const FileMark& mark) const;
  // From now on a rotation says there which step it is about to take, and no_rotation at its end. nullptr: nowhere.
  void note_steps_in(std::atomic<std::int64_t>* place) { step_note_ = place; }
  // Ends a rotation that was killed about that step; `mark` is of the file that was to be rotated.
  [[nodiscard]] Result<> resume_rotation(std::int64_t step, const FileMark& mark);

 private:
  [[nodiscard]] Result<> rotate();
  [[nodiscard]] Result<> shift_backups();
  [[nodiscard]] Result<> begin_anew();
  [[nodiscard]] long long highest_backup() const;
  [[nodiscard]] bool path_is_another_file() const;
  void note_step() const;

  // Values of next_step_ below the numbers of backups.
  static constexpr std::int64_t move_base = 0;
  static constexpr std::int64_t create_base = -1;

  FilePlan plan_;
  Target target_;
  const Files* files_ = nullptr;
  long long rotate_at_ = 0;               // file size at which the next rotation is tried
  std::int64_t next_step_ = no_rotation;  // of an interrupted rotation; N > 0: move base.N to base.N+1
  long long end_ = -1;                    // of the open file, while mark() has said so
  std::optional<FileMark> identity_;      // of the open file, once asked
  std::atomic<std::int64_t>* step_note_ = nullptr;
  unsigned long long lost_ = 0;
};

}  // namespace sup::logs
