#include "logs/rotating_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sup::logs {
namespace {

// A hole of this many missing numbers ends the row of backups, so that a huge `backups` costs nothing.
constexpr int widest_gap = 100;

std::string backup_name(const std::string& path, long long number) {
  return fmt::format("{}.{}", path, number);
}

}  // namespace

Result<RotatingFile> RotatingFile::open(FilePlan plan, const Files& files) {
  auto target = Target::open(plan.path, files, plan.own);
  if (!target) return std::unexpected(std::move(target.error()));
  RotatingFile file;
  file.rotate_at_ = plan.max_bytes;
  file.plan_ = std::move(plan);
  file.target_ = std::move(*target);
  file.files_ = &files;
  return file;
}

Result<> RotatingFile::write(std::string_view bytes) {
  if (!is_open() || bytes.empty()) return {};
  if (auto appended = append(bytes); !appended) return appended;
  return rotate_if_due();
}

Result<> RotatingFile::append(std::string_view bytes) {
  const auto [written, code] = target_.write(bytes);
  if (end_ >= 0) end_ += static_cast<long long>(written);
  if (code != 0) {
    lost_ += bytes.size() - written;
    return std::unexpected(system_error("write", plan_.path, code));
  }
  return {};
}

Result<> RotatingFile::rotate_if_due() {
  const long long end = std::exchange(end_, -1);
  if (plan_.max_bytes <= 0 || !target_.is_file()) return {};
  // The position after an append is the end of the file, whoever else writes to it or truncates it.
  const long long position = end >= 0 ? end : ::lseek(target_.fd(), 0, SEEK_CUR);
  if (next_step_ == create_base) return begin_anew();
  if (position < rotate_at_) {
    if (position < plan_.max_bytes) rotate_at_ = plan_.max_bytes;
    return {};
  }
  auto rotated = rotate();
  rotate_at_ = rotated ? plan_.max_bytes : position + plan_.max_bytes;
  return rotated;
}

Result<> RotatingFile::rotate() {
  // Two channels may share one file: the other one has rotated it already.
  if (next_step_ == no_rotation && path_is_another_file()) return begin_anew();
  if (plan_.backups <= 0) {
    if (files_->ftruncate(target_.fd(), 0) == 0) return {};
    return std::unexpected(system_error("truncate", plan_.path, errno));
  }
  if (auto shifted = shift_backups(); !shifted) return shifted;
  return begin_anew();
}

Result<> RotatingFile::shift_backups() {
  if (next_step_ == no_rotation) next_step_ = highest_backup();
  for (; next_step_ >= move_base; --next_step_) {
    note_step();
    const std::string from = next_step_ == move_base ? plan_.path : backup_name(plan_.path, next_step_);
    const std::string to = backup_name(plan_.path, next_step_ + 1);
    if (files_->rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
      return std::unexpected(system_error("rename", from, errno));
    }
  }
  return {};
}

// The highest number that moves up: backups - 1 at most, since the last one is overwritten.
long long RotatingFile::highest_backup() const {
  long long highest = 0;
  struct stat info {};
  for (long long i = 1; i < plan_.backups && i <= highest + widest_gap; ++i) {
    if (::lstat(backup_name(plan_.path, i).c_str(), &info) == 0) highest = i;
  }
  return highest;
}

bool RotatingFile::path_is_another_file() const {
  struct stat ours {};
  struct stat named {};
  if (::fstat(target_.fd(), &ours) != 0 || ::stat(plan_.path.c_str(), &named) != 0) return false;
  return ours.st_dev != named.st_dev || ours.st_ino != named.st_ino;
}

Result<> RotatingFile::begin_anew() {
  auto target = Target::open(plan_.path, *files_, plan_.own);
  if (!target) return std::unexpected(std::move(target.error()));
  target_ = std::move(*target);
  identity_.reset();
  end_ = -1;
  next_step_ = no_rotation;
  note_step();
  rotate_at_ = plan_.max_bytes;
  return {};
}

RotatingFile RotatingFile::closed(FilePlan plan, const Files& files) {
  RotatingFile file;
  file.plan_ = std::move(plan);
  file.files_ = &files;
  return file;
}

Result<> RotatingFile::reopen() {
  if (plan_.path.empty()) return {};
  return begin_anew();
}

Result<> RotatingFile::remove() const {
  if (!is_open() || !target_.is_file()) return {};
  if (files_->unlink(plan_.path.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(system_error("remove", plan_.path, errno));
  }
  return {};
}

Result<> RotatingFile::clear() {
  if (!is_open() || !target_.is_file()) return {};
  if (auto removed = remove(); !removed) return removed;
  return begin_anew();
}

void RotatingFile::note_step() const {
  if (step_note_ == nullptr) return;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  step_note_->store(next_step_, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::optional<FileMark> RotatingFile::mark() {
  if (!target_.is_file()) return std::nullopt;
  if (!identity_) {
    struct stat info {};
    if (::fstat(target_.fd(), &info) != 0) return std::nullopt;
    identity_ = FileMark{info.st_dev, info.st_ino, 0};
  }
  end_ = ::lseek(target_.fd(), 0, SEEK_END);
  if (end_ < 0) return std::nullopt;
  return FileMark{identity_->device, identity_->inode, end_};
}

std::optional<long long> RotatingFile::size_of(const FileMark& mark) const {
  const auto is_it = [&](const struct stat& info) { return info.st_dev == mark.device && info.st_ino == mark.inode; };
  struct stat info {};
  if (::fstat(target_.fd(), &info) == 0 && is_it(info)) return info.st_size;
  std::error_code error;
  const auto folder = std::filesystem::path(plan_.path).parent_path();
  std::filesystem::directory_iterator file(folder.empty() ? "." : folder, error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    if (::lstat(file->path().c_str(), &info) == 0 && is_it(info)) return info.st_size;
  }
  return std::nullopt;
}

Result<> RotatingFile::resume_rotation(std::int64_t step, const FileMark& mark) {
  struct stat info {};
  // The log may be moved already: then what has its name now is new.
  const bool there = ::stat(plan_.path.c_str(), &info) == 0 && info.st_dev == mark.device && info.st_ino == mark.inode;
  if (there && target_.is_file() && step >= move_base && step < plan_.backups) {
    next_step_ = step;
    return rotate();
  }
  note_step();
  return {};
}

}  // namespace sup::logs
