#include "keeper/wire.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/memory_file.h"

namespace sup::keeper {
namespace {

struct Header {
  std::uint32_t size = 0;  // of the payload
  std::uint32_t id = 0;
  std::uint16_t verb = 0;
  std::uint8_t fds = 0;  // how many descriptors belong to this frame, the memfd included
  std::uint8_t flags = 0;
};
constexpr std::uint8_t flag_in_memory = 1;  // the payload is in the first descriptor
constexpr std::uint8_t flag_lost = 2;       // the sender had to leave something out

constexpr std::size_t max_fds_with_memory = max_frame_fds + 1;
constexpr std::ptrdiff_t max_merged = 32;            // frames put into one datagram
constexpr std::size_t block_size = 256UL * 1024;  // of what waits to be sent: malloc maps such pieces, and unmaps them

enum class Sent : std::uint8_t { done, later, without_fds, gone };

Sent send_datagram(int socket, std::span<iovec> parts, std::span<const int> fds) {
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_datagram_fds)> control;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return Sent::done;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM) return Sent::later;
  // Too many descriptors are in flight: the peer must take some first.
  if (errno == ETOOMANYREFS) return Sent::later;
  return errno == EBADF && !fds.empty() ? Sent::without_fds : Sent::gone;
}

iovec part(const void* data, std::size_t size) {
  return {const_cast<void*>(data), size};
}

}  // namespace

void Writer::text(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  bytes_.append(value);
}

void Writer::c_text(std::string_view value) {
  holds_nul_ = holds_nul_ || value.find('\0') != std::string_view::npos;
  text(value);
  bytes_.push_back('\0');
}

std::string_view Reader::take(std::size_t size) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

template <class Number>
Number Reader::number() {
  Number value = 0;
  const std::string_view bytes = take(sizeof value);
  if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template std::uint8_t Reader::number<std::uint8_t>();
template std::uint32_t Reader::number<std::uint32_t>();
template std::uint64_t Reader::number<std::uint64_t>();
template std::int32_t Reader::number<std::int32_t>();

std::size_t Reader::count(std::size_t smallest) {
  const std::size_t wanted = u32();
  if (ok_ && wanted > rest_.size() / smallest) ok_ = false;
  return ok_ ? wanted : 0;
}

std::string_view Reader::text() {
  return take(u32());
}

std::string_view Reader::c_text() {
  const std::string_view value = text();
  const std::string_view end = take(1);
  if (ok_ && (end[0] != '\0' || value.find('\0') != std::string_view::npos)) ok_ = false;
  return ok_ ? value : std::string_view("");
}

void Sender::send(int socket, std::uint16_t verb, std::uint32_t id, std::string_view payload,
                  std::initializer_list<int> fds) {
  Header header{static_cast<std::uint32_t>(payload.size()), id, verb, 0, 0};
  std::array<int, max_fds_with_memory> borrowed{};
  UniqueFd memory;
  if (payload.size() > max_datagram - sizeof header) {
    if (auto file = os::write_memory_file("supervisord", payload)) memory = std::move(*file);
    payload = {};
    header.flags |= memory ? flag_in_memory : flag_lost;
    if (memory) {
      borrowed[header.fds++] = memory.get();
    } else {
      header.size = 0;
    }
  }
  for (const int fd : fds) {
    if (fd >= 0 && header.fds < borrowed.size()) borrowed[header.fds++] = fd;
  }
  if (queue_.empty()) {
    std::array<iovec, 2> parts{part(&header, sizeof header), part(payload.data(), payload.size())};
    Sent sent = send_datagram(socket, parts, {borrowed.data(), header.fds});
    if (sent == Sent::without_fds) {
      header.fds = 0;
      header.size = static_cast<std::uint32_t>(payload.size());
      header.flags = flag_lost;
      sent = send_datagram(socket, parts, {});
    }
    if (sent != Sent::later) return;
  }
  Item item;
  for (std::uint8_t i = 0; i < header.fds; ++i) {
    UniqueFd own(fcntl(borrowed[i], F_DUPFD_CLOEXEC, 0));
    if (own) {
      item.fds.push_back(std::move(own));
    } else {
      header.flags |= flag_lost;
    }
  }
  if ((header.flags & flag_lost) != 0) {
    item.fds.clear();
    header.fds = 0;
    header.size = static_cast<std::uint32_t>(payload.size());
    header.flags = flag_lost;
  }
  item.size = sizeof header + payload.size();
  if (blocks_.empty() || blocks_.back().bytes.capacity() - blocks_.back().bytes.size() < item.size) {
    blocks_.emplace_back().bytes.reserve(std::max(block_size, item.size));
  }
  std::string& bytes = blocks_.back().bytes;
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(payload);
  queue_.push_back(std::move(item));
}

void Sender::clear() {
  queue_.clear();
  blocks_.clear();
}

void Sender::flush(int socket) {
  while (!queue_.empty()) {
    Block& block = blocks_.front();
    std::array<int, max_datagram_fds> fds;
    std::ptrdiff_t frames = 0;
    std::size_t bytes = 0;
    std::size_t fd_count = 0;
    for (const Item& item : queue_) {
      const std::size_t together = bytes + item.size;
      if (frames == max_merged || together > max_datagram) break;
      if (together > block.bytes.size() - block.sent || fd_count + item.fds.size() > fds.size()) break;
      ++frames;
      bytes = together;
      for (const UniqueFd& fd : item.fds)
        fds[fd_count++] = fd.get();
    }
    std::array<iovec, 1> parts{part(block.bytes.data() + block.sent, bytes)};
    switch (send_datagram(socket, parts, std::span(fds).first(fd_count))) {
      case Sent::done:
        queue_.erase(queue_.begin(), queue_.begin() + frames);
        block.sent += bytes;
        if (block.sent == block.bytes.size()) blocks_.pop_front();
        break;
      case Sent::later:
        return;
      case Sent::without_fds:  // impossible: these descriptors are ours
      case Sent::gone:
        clear();
        return;
    }
  }
}

Receiver::Got Receiver::receive(int socket) {
  fds_.clear();
  fds_at_ = at_ = size_ = 0;
  large_ = {};
  iovec whole = part(buffer_.data(), buffer_.size());
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 253)> control;
  msghdr message{};
  message.msg_iov = &whole;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Got::nothing : Got::closed;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
      fds_.emplace_back(fd);
    }
  }
  size_ = static_cast<std::size_t>(got);
  truncated_ = (message.msg_flags & MSG_TRUNC) != 0;
  fds_missing_ = (message.msg_flags & MSG_CTRUNC) != 0;
  return got == 0 ? Got::closed : Got::datagram;
}

bool Receiver::read_large(Frame& frame, int memory, std::size_t size) {
  struct stat status {};
  const int seals = fcntl(memory, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_WRITE) == 0 || (seals & F_SEAL_SHRINK) == 0) return false;
  if (size > max_payload || fstat(memory, &status) != 0 || status.st_size != static_cast<off_t>(size)) return false;
  large_.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(memory, large_.data() + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  frame.payload = large_;
  return true;
}

Receiver::Next Receiver::next(Frame& frame) {
  frame = {};
  if (truncated_) return Next::broken;
  if (at_ == size_) return fds_at_ == fds_.size() ? Next::end : Next::broken;
  Header header;
  if (size_ - at_ < sizeof header) return Next::broken;
  std::memcpy(&header, buffer_.data() + at_, sizeof header);
  at_ += sizeof header;
  const bool large = (header.flags & flag_in_memory) != 0;
  if (!large && header.size > size_ - at_) return Next::broken;
  if (header.fds > max_fds_with_memory || (large && header.fds == 0)) return Next::broken;
  if (header.fds > fds_.size() - fds_at_) {
    if (!fds_missing_) return Next::broken;
    // Descriptors are given in order, so all that are missing are the last ones: none is left for later frames.
    fds_at_ = fds_.size();
    frame.lost = true;
  }
  frame.verb = header.verb;
  frame.id = header.id;
  frame.lost = frame.lost || (header.flags & flag_lost) != 0;
  if (!large) {
    frame.payload = std::string_view(buffer_).substr(at_, header.size);
    at_ += header.size;
  }
  if (frame.lost) return Next::frame;
  frame.fds = std::span(fds_).subspan(fds_at_, header.fds);
  fds_at_ += header.fds;
  if (large) {
    if (!read_large(frame, frame.fds[0].get(), header.size)) return Next::broken;
    frame.fds[0].reset();
    frame.fds = frame.fds.subspan(1);
  }
  return Next::frame;
}

}  // namespace sup::keeper
