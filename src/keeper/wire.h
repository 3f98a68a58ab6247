// Frames over one SOCK_SEQPACKET socket, in both directions between keeper and manager.
//
// A datagram holds whole frames, one after another; a frame is a header, a payload and descriptors, which travel by
// SCM_RIGHTS in the order of their frames. A payload too large for a datagram travels in a sealed memfd that is the
// frame's first descriptor. Every length is checked against what is really there before anything is allocated from it.
// Numbers are in the machine's own byte order: both ends run on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace sup::keeper {

inline constexpr std::size_t max_datagram = 32 * 1024;
inline constexpr std::size_t max_payload = 8 * 1024 * 1024;  // above what execve(2) takes
inline constexpr std::size_t max_frame_fds = 3;              // besides the memfd
inline constexpr std::size_t max_datagram_fds = 250;         // the kernel's limit is 253

// Builds a payload.
class Writer {
 public:
  void u8(std::uint8_t value) { raw(&value, sizeof value); }
  void u32(std::uint32_t value) { raw(&value, sizeof value); }
  void u64(std::uint64_t value) { raw(&value, sizeof value); }
  void i32(std::int32_t value) { raw(&value, sizeof value); }
  void text(std::string_view value);    // any bytes
  void c_text(std::string_view value);  // no NUL inside: see holds_nul()

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // A c_text() had a NUL inside, so the reader will refuse the payload.
  [[nodiscard]] bool holds_nul() const { return holds_nul_; }

 private:
  void raw(const void* data, std::size_t size) { bytes_.append(static_cast<const char*>(data), size); }

  std::string bytes_;
  bool holds_nul_ = false;
};

// Takes a payload apart. After the first thing that does not fit, ok() is false and everything reads as 0 or empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::int32_t i32() { return number<std::int32_t>(); }
  // How many elements follow that take at least `smallest` bytes each: safe to reserve space for.
  std::size_t count(std::size_t smallest);
  std::string_view text();
  std::string_view c_text();  // its data() ends in a NUL, and there is none before

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  template <class Number>
  Number number();
  std::string_view take(std::size_t size);

  std::string_view rest_;
  bool ok_ = true;
};

struct Frame {
  std::uint16_t verb = 0;
  std::uint32_t id = 0;
  std::string_view payload;  // valid until the next call to the Receiver
  std::span<UniqueFd> fds;   // may be moved from; what is not, is closed
  // The descriptors did not make it, because one of the two processes can have no more of them. `fds` is empty then,
  // and so is a payload that would have come in a memfd.
  bool lost = false;
};

// The sending end. Descriptors are borrowed; what must wait is duplicated.
class Sender {
 public:
  // Sends the frame now, or queues it behind those that wait. At most max_frame_fds descriptors; negative ones are
  // left out. The payload must not be larger than max_payload.
  void send(int socket, std::uint16_t verb, std::uint32_t id, std::string_view payload,
            std::initializer_list<int> fds = {});
  // Sends what waits, as far as the socket takes it. What waits for a peer that is gone is dropped.
  void flush(int socket);
  void clear();
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

 private:
  struct Item {
    std::size_t size = 0;
    std::vector<UniqueFd> fds;
  };
  std::deque<Item> queue_;
  // The bytes of the items, one after another. A start of a thousand programs waits here: in pieces as large as these
  // it leaves no holes in the heap when it has gone.
  struct Block {
    std::string bytes;
    std::size_t sent = 0;
  };
  std::deque<Block> blocks_;
};

// The receiving end.
class Receiver {
 public:
  Receiver() : buffer_(max_datagram, '\0') {}

  enum class Got : std::uint8_t { datagram, nothing, closed };
  // Reads the next datagram without waiting; what was left of the one before is dropped.
  Got receive(int socket);

  enum class Next : std::uint8_t { frame, end, broken };
  // The next frame of this datagram. After `broken` the peer cannot be trusted.
  Next next(Frame& frame);

 private:
  bool read_large(Frame& frame, int memory, std::size_t size);

  std::string buffer_;
  std::string large_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  std::vector<UniqueFd> fds_;
  std::size_t fds_at_ = 0;
  bool truncated_ = false;    // the datagram was larger than any we send
  bool fds_missing_ = false;  // the kernel could not give us all descriptors
};

}  // namespace sup::keeper
