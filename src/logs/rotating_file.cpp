#include "logs/rotating_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sup::logs {
namespace {

// A hole of this many missing numbers ends the row of backups, so that a huge `backups` costs nothing.
constexpr int widest_gap = 100;

std::string backup_name(const std::string& path, long long number) {
  return fmt::format("{}.{}", path, number);
}

}  // namespace

Result<RotatingFile> RotatingFile::open(FilePlan plan, const Files& files) {
  auto target = Target::open(plan.path, files);
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
  const auto [written, code] = target_.write(bytes);
  if (code != 0) {
    lost_ += bytes.size() - written;
    return std::unexpected(system_error("write", plan_.path, code));
  }
  return rotate_if_due();
}

Result<> RotatingFile::rotate_if_due() {
  if (plan_.max_bytes <= 0 || !target_.is_file()) return {};
  // The position after an append is the end of the file, whoever else writes to it or truncates it.
  const long long position = ::lseek(target_.fd(), 0, SEEK_CUR);
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
  auto target = Target::open(plan_.path, *files_);
  if (!target) return std::unexpected(std::move(target.error()));
  target_ = std::move(*target);
  next_step_ = no_rotation;
  rotate_at_ = plan_.max_bytes;
  return {};
}

Result<> RotatingFile::reopen() {
  if (!is_open()) return {};
  return begin_anew();
}

Result<> RotatingFile::clear() {
  if (!is_open() || !target_.is_file()) return {};
  if (files_->unlink(plan_.path.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(system_error("remove", plan_.path, errno));
  }
  return begin_anew();
}

}  // namespace sup::logs
