// Reading log files for clients: the slices of Supervisor's readLog and tail calls (docs/logs.md has the tables).
//
// Files are opened fresh for each call, and never more than max_read bytes are returned by one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sup::logs {

inline constexpr std::int64_t max_read = std::int64_t{64} << 20;

// no_file: there is no such path; failed: it cannot be read, or no file can be as long as the offset.
enum class ReadFailure : std::uint8_t { bad_arguments, no_file, failed };

// `read`: offset < 0 means the last |offset| bytes and wants length 0; length 0 means to the end. Of more than max_read
// bytes the last ones are returned for a negative offset, otherwise the first ones.
[[nodiscard]] std::expected<std::string, ReadFailure> read_slice(const std::string& path, std::int64_t offset,
                                                                 std::int64_t length);

struct Tail {
  std::string bytes;
  std::int64_t offset = 0;  // the file's size: where the next call goes on
  bool overflow = false;
};

// `tail`: a missing file is an empty one; of one that cannot be read the answer is no bytes and `offset` again.
// `length` is at most max_read.
[[nodiscard]] Tail tail(const std::string& path, std::int64_t offset, std::int64_t length);

// For XML and terminals: what is not UTF-8 becomes U+FFFD (characters cut at the borders of the slice are left out),
// and so do control characters that XML 1.0 forbids.
[[nodiscard]] std::string readable(std::string_view bytes);

}  // namespace sup::logs
