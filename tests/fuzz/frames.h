// Frames spelled by an input: verb, number of descriptors, size, payload.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.h"
#include "keeper/wire.h"

namespace sup::fuzz {

struct SpelledFrame {
  std::uint16_t verb = 0;
  std::uint32_t id = 0;
  unsigned fds = 0;  // up to 3
  std::string payload;
};

// One frame after another: verb (1 byte), id (1 byte), descriptors and, in the upper bits, how often the payload is
// repeated (1 byte), size (1 byte), payload.
inline std::vector<SpelledFrame> spelled_frames(std::string_view bytes, std::size_t most) {
  std::vector<SpelledFrame> frames;
  while (bytes.size() >= 4 && frames.size() < most) {
    SpelledFrame frame;
    frame.verb = static_cast<std::uint16_t>(take_choice(bytes));
    frame.id = take_choice(bytes);
    const unsigned shape = take_choice(bytes);
    frame.fds = shape % 4;
    const std::string_view payload = bytes.substr(0, take_choice(bytes));
    bytes.remove_prefix(payload.size());
    const unsigned times = shape < 128 ? 1 : shape;  // beyond what fits into a datagram
    for (unsigned i = 0; i < times; ++i)
      frame.payload += payload;
    frames.push_back(std::move(frame));
  }
  return frames;
}

// Sends the frame with as many copies of `fd` as it asks for.
inline void send_frame(keeper::Sender& sender, int socket, const SpelledFrame& frame, int fd) {
  std::array<int, 3> fds{-1, -1, -1};
  std::fill_n(fds.begin(), frame.fds, fd);
  sender.send(socket, frame.verb, frame.id, frame.payload, {fds[0], fds[1], fds[2]});
}

}  // namespace sup::fuzz
