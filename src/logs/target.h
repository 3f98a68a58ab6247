// What a log is written to: a regular file, a named pipe, a terminal, or one of our own descriptors (/dev/stdout).
//
// A regular file is opened for appending, so that others may truncate it. Everything else is written without waiting
// for its reader longer than Patience allows. The caller blocks or ignores SIGPIPE and SIGXFSZ.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "logs/files.h"
#include "logs/patience.h"

namespace sup::logs {

class Target {
 public:
  Target() = default;  // closed: write() fails with EBADF
  // Creates the file where it is missing (0666 & umask). Never waits, not even for a named pipe without reader.
  // /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N also work where they cannot be opened by name: sockets,
  // and pipes of another user.
  // `own`: nobody else is to have made it, so links, files of others or with a second name and whatever is no file are
  // removed first.
  [[nodiscard]] static Result<Target> open(const std::string& path, const Files& files, bool own = false);
  // A duplicate of `fd`, whose flags stay untouched since other processes share them.
  [[nodiscard]] static Result<Target> share(int fd, const Files& files = real_files());

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  // A regular file known by its own name: it may be renamed, removed and truncated.
  [[nodiscard]] bool is_file() const { return kind_ == Kind::file; }

  // /dev/null and its like.
  [[nodiscard]] bool keeps_nothing() const;

  struct Written {
    std::size_t bytes = 0;
    int code = 0;  // why it was not everything: an errno value
  };
  [[nodiscard]] Written write(std::string_view bytes);

 private:
  enum class Kind : std::uint8_t { file, stream, shared, socket };

  Target(UniqueFd fd, Kind kind, const Files& files) : fd_(std::move(fd)), kind_(kind), files_(&files) {}
  [[nodiscard]] ssize_t put(std::string_view bytes) const;

  UniqueFd fd_;
  Kind kind_ = Kind::stream;
  const Files* files_ = nullptr;
  Patience patience_;
};

}  // namespace sup::logs
