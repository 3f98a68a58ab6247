// The board: a file with one slot for each program of a measurement, in which the program leaves when it began to run.
//
// Slots are written with one pwrite(2), which costs a child next to nothing, and are read through a mapping. Whoever
// reads one while it is written may see half of it, so a reader waits until both the pid and the time are new ones.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace bench {

struct Slot {
  std::int64_t began = 0;  // when main() began, in nanoseconds of CLOCK_MONOTONIC
  std::int64_t pid = 0;
  std::int64_t entered = 0;  // when the kernel let the program go, before libc's own start; as `began` where unknown
  std::int64_t count = 0;    // what the program counts: events received
  std::int64_t counted = 0;  // when it had `count`
};
static_assert(sizeof(Slot) == 40);

inline std::int64_t now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

inline void post(int board, long index, const Slot& slot) noexcept {
  if (pwrite(board, &slot, sizeof slot, index * static_cast<off_t>(sizeof slot)) < 0) _exit(3);
}

}  // namespace bench
