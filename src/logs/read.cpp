#include "logs/read.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/unique_fd.h"

namespace sup::logs {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// O_NONBLOCK: a named pipe among the logs must not hang us.
UniqueFd open_for_reading(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

constexpr std::int64_t far = std::int64_t{1} << 61;  // beyond any file, and sums of it do not overflow

// -1 for what has no positions, such as pipes, or senseless ones, such as folders.
std::int64_t size_of(int fd) {
  const std::int64_t size = ::lseek(fd, 0, SEEK_END);
  return size < far ? size : -1;
}

// Up to `length` bytes; fewer at the end of the file.
std::expected<std::string, ReadFailure> read_at(int fd, std::int64_t offset, std::int64_t length) {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(ReadFailure::failed);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

struct Sequence {
  std::size_t length = 1;  // of the character, or of the longest beginning of one
  bool complete = false;
  bool cut = false;  // the text ended before the character did
};

// Looks at the multi-byte character that `text` begins with, as the Unicode standard and Python divide broken ones.
Sequence examine(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, true, false};
  if (first < 0xC2 || first > 0xF4) return {1, false, false};
  const std::size_t wanted = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte decides about overlong forms, surrogates and the end of Unicode.
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < wanted; ++i) {
    if (i >= text.size()) return {i, false, true};
    const auto byte = static_cast<unsigned char>(text[i]);
    if (i == 1 ? byte < low || byte > high : !is_continuation(text[i])) return {i, false, false};
  }
  return {wanted, true, false};
}

bool allowed_in_xml(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (first < 0x20) return first == '\t' || first == '\n' || first == '\r';
  return character != "\xEF\xBF\xBE" && character != "\xEF\xBF\xBF";
}

}  // namespace

std::expected<std::string, ReadFailure> read_slice(const std::string& path, std::int64_t offset, std::int64_t length) {
  const UniqueFd fd = open_for_reading(path);
  if (!fd) return std::unexpected(errno == ENOENT || errno == ENOTDIR ? ReadFailure::no_file : ReadFailure::failed);
  const std::int64_t size = size_of(fd.get());
  if (size < 0) return std::unexpected(ReadFailure::failed);
  if (length < 0 || (offset < 0 && length != 0)) return std::unexpected(ReadFailure::bad_arguments);
  // Beyond what the file system allows to any file.
  if (offset > size && ::lseek(fd.get(), offset, SEEK_SET) < 0) return std::unexpected(ReadFailure::failed);

  const std::int64_t begin =
      offset < 0 ? std::max(size + std::max(offset, -max_read), std::int64_t{0}) : std::min(offset, size);
  std::int64_t count = std::min(size - begin, max_read);
  if (length > 0) count = std::min(count, length);
  return read_at(fd.get(), begin, count);
}

Tail tail(const std::string& path, std::int64_t offset, std::int64_t length) {
  const UniqueFd fd = open_for_reading(path);
  if (!fd) return errno == ENOENT || errno == ENOTDIR ? Tail{} : Tail{{}, offset, false};
  const std::int64_t size = size_of(fd.get());
  if (size < 0) return {{}, offset, false};

  std::int64_t begin = std::clamp(offset, -far, far);
  std::int64_t count = std::clamp(length, -far, max_read);
  Tail result{{}, size, false};
  if (size > begin + count) {
    result.overflow = true;
    begin = size - 1;
  }
  if (begin + count > size) {
    if (begin > size - 1) count = 0;
    begin = size - count;
  }
  begin = std::max(begin, std::int64_t{0});
  count = std::clamp(size - begin, std::int64_t{0}, std::max(count, std::int64_t{0}));
  auto bytes = read_at(fd.get(), begin, count);
  if (!bytes) return {{}, offset, false};
  result.bytes = std::move(*bytes);
  return result;
}

std::string readable(std::string_view bytes) {
  for (int i = 0; i < 3 && !bytes.empty() && is_continuation(bytes.front()); ++i)
    bytes.remove_prefix(1);
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto [length, complete, cut] = examine(bytes);
    if (cut) break;
    const std::string_view character = bytes.substr(0, length);
    text += complete && allowed_in_xml(character) ? character : replacement;
    bytes.remove_prefix(length);
  }
  return text;
}

}  // namespace sup::logs
