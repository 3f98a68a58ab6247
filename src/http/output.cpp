#include "http/output.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace sup::http {
namespace {

constexpr std::size_t joinable = 16 * 1024;  // larger ones are not copied
constexpr std::size_t full = 64 * 1024;      // a piece that gets no more
constexpr std::size_t batch = 16;
constexpr std::size_t most_sent = 64;  // pieces that are remembered behind us

}  // namespace

std::string& Output::tail() {
  const bool fresh = pieces_.size() == first_ || pieces_.back().shared || pieces_.back().own.size() >= full;
  if (fresh) pieces_.emplace_back();
  tail_size_ = pieces_.back().own.size();
  return pieces_.back().own;
}

void Output::joined() {
  size_ += pieces_.back().own.size() - tail_size_;
}

void Output::append(std::string_view bytes) {
  tail().append(bytes);
  joined();
}

void Output::append(std::string&& bytes) {
  if (bytes.size() < joinable) return append(std::string_view(bytes));
  size_ += bytes.size();
  pieces_.push_back({std::move(bytes), nullptr});
}

void Output::append(std::shared_ptr<const std::string> bytes) {
  if (bytes->size() < joinable) return append(std::string_view(*bytes));
  size_ += bytes->size();
  pieces_.push_back({{}, std::move(bytes)});
}

void Output::drop(std::size_t count) {
  if (first_ >= most_sent) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  size_ -= count;
  while (count > 0) {
    Piece& piece = pieces_[first_];
    const std::size_t size = piece.bytes().size();
    const std::size_t here = std::min(count, size - offset_);
    offset_ += here;
    count -= here;
    if (offset_ < size) return;
    const Piece done = std::move(piece);  // assigning an empty one would keep the memory of a string
    ++first_;
    offset_ = 0;
  }
}

Output::Sent Output::send_to(int fd, std::size_t budget) {
  while (size_ > 0) {
    if (budget == 0) return Sent::enough;
    std::array<iovec, batch> parts;
    std::size_t count = 0;
    std::size_t room = budget;
    for (std::size_t i = first_; i < pieces_.size() && count < batch && room > 0; ++i) {
      const std::string_view piece = pieces_[i].bytes().substr(i == first_ ? offset_ : 0);
      const std::size_t length = std::min(piece.size(), room);
      parts[count++] = {const_cast<char*>(piece.data()), length};
      room -= length;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Sent::blocked : Sent::failed;
    }
    drop(static_cast<std::size_t>(sent));
    budget -= std::min(budget, static_cast<std::size_t>(sent));
  }
  pieces_ = {};
  first_ = offset_ = 0;
  return Sent::all;
}

}  // namespace sup::http
