// Names for the numbers that several modules pass around.
#pragma once

#include <cstdint>

namespace sup {

// One entry of the process table, alive or not: given when its group is created, never reused while the daemon lives.
// 0 is no process.
using ProcessId = std::uint32_t;

// An output channel of a child.
enum class Channel : std::uint8_t { out, err };

[[nodiscard]] constexpr const char* channel_name(Channel channel) {
  return channel == Channel::out ? "stdout" : "stderr";
}

}  // namespace sup
