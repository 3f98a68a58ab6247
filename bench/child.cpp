// The program that bench/compare has supervised.
//
//   bench_child sleep  BOARD SLOT                     say on the board when main() began, then wait for ever
//   bench_child write  BOARD SLOT GATE BYTES SIZE     write numbered lines to standard output, SIZE bytes at a time
//   bench_child talk   BOARD SLOT GATE COUNT LENGTH   send PROCESS_COMMUNICATION events with LENGTH bytes of data
//   bench_child listen BOARD SLOT                     be an event listener that accepts everything at once
//   bench_child verify FILE...                        print how many lines the files hold, numbered without a gap
//
// GATE is a FIFO: `write` and `talk` begin when the last writer has closed it, all at the same moment.
#include "board.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

// On a virtual machine libc's start costs as much as all that supervisors do for a restart, because it asks the
// processor what it is and every such question stops the machine. So the time is taken before it too, where we know
// how: the program is entered here. %rdx and the stack must reach _start as the kernel left them.
#if defined(__x86_64__) && !defined(SUP_SANITIZED)
extern "C" {
timespec bench_entered;
}
asm(R"(
  .globl bench_entry
  .type bench_entry, @function
bench_entry:
  mov %rdx, %r8
  mov $228, %eax  # clock_gettime
  mov $1, %edi    # CLOCK_MONOTONIC
  lea bench_entered(%rip), %rsi
  syscall
  mov %r8, %rdx
  jmp _start
)");
#else
static timespec bench_entered;
#endif

namespace {

using bench::Slot;

constexpr std::size_t line_length = 100;
constexpr std::size_t digits = 12;

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno != EINTR) _exit(1);
    if (written > 0) data += written, size -= static_cast<std::size_t>(written);
  }
}

void number(char* at, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value /= 10)
    at[i] = static_cast<char>('0' + value % 10);
}

void pass(int gate) {
  char byte = 0;
  while (read(gate, &byte, 1) < 0 && errno == EINTR) {
  }
  close(gate);
}

// Lines of `line_length` bytes, as many at a time as fit into `size`; `bytes` of them, or for ever if it is 0.
void write_lines(std::uint64_t bytes, std::size_t size) {
  const std::size_t per_write = std::max<std::size_t>(size / line_length, 1);
  std::string text;
  for (std::size_t i = 0; i < per_write; ++i)
    text += std::string(digits, '0') + ' ' + std::string(line_length - digits - 2, 'x') + '\n';
  std::uint64_t left = bytes == 0 ? UINT64_MAX : bytes / line_length;
  for (std::uint64_t line = 0; left > 0;) {
    const std::size_t lines = std::min<std::uint64_t>(left, per_write);
    for (std::size_t i = 0; i < lines; ++i)
      number(text.data() + i * line_length, line++);
    write_all(1, text.data(), lines * line_length);
    left -= lines;
  }
}

void talk(std::uint64_t count, std::size_t length) {
  const std::string_view begin = "<!--XSUPERVISOR:BEGIN-->";
  std::string text(begin);
  text += std::string(std::max(length, digits), 'e') + "<!--XSUPERVISOR:END-->\n";
  for (std::uint64_t i = 0; i < count; ++i) {
    number(text.data() + begin.size(), i);
    write_all(1, text.data(), text.size());
  }
}

// Standard input, buffered.
class Input {
 public:
  char next() {
    if (at_ == end_) fill();
    return buffer_[at_++];
  }
  void skip(std::size_t size) {
    while (size > 0) {
      if (at_ == end_) fill();
      const std::size_t step = std::min(size, end_ - at_);
      at_ += step, size -= step;
    }
  }

 private:
  void fill() {
    ssize_t got = 0;
    while ((got = read(0, buffer_, sizeof buffer_)) < 0 && errno == EINTR) {
    }
    if (got <= 0) _exit(0);
    at_ = 0, end_ = static_cast<std::size_t>(got);
  }
  std::size_t at_ = 0, end_ = 0;
  char buffer_[1 << 16];
};

[[noreturn]] void listen(int board, long index, Slot slot) {
  static Input input;
  std::string head;
  write_all(1, "READY\n", 6);
  for (;;) {
    head.clear();
    for (char c = input.next(); c != '\n'; c = input.next())
      head += c;
    const auto length = head.find(" len:");
    if (length == std::string::npos) _exit(2);
    input.skip(std::strtoul(head.c_str() + length + 5, nullptr, 10));
    ++slot.count;
    slot.counted = bench::now();
    bench::post(board, index, slot);
    write_all(1, "RESULT 2\nOKREADY\n", 17);
  }
}

int verify(int files, char** names) {
  std::vector<char> buffer(line_length * 10000);
  std::uint64_t line = 0;
  std::size_t have = 0;
  for (int i = 0; i < files; ++i) {
    const int fd = open(names[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::fprintf(stderr, "cannot open %s\n", names[i]), 2;
    ssize_t got = 0;
    while ((got = read(fd, buffer.data() + have, buffer.size() - have)) > 0) {
      have += static_cast<std::size_t>(got);
      std::size_t at = 0;
      for (; at + line_length <= have; at += line_length, ++line) {
        char want[digits];
        number(want, line);
        if (std::memcmp(want, buffer.data() + at, digits) != 0 || buffer[at + line_length - 1] != '\n')
          return std::fprintf(stderr, "%s: line %llu is wrong\n", names[i], static_cast<unsigned long long>(line)), 1;
      }
      std::memmove(buffer.data(), buffer.data() + at, have - at);
      have -= at;
    }
    close(fd);
  }
  std::printf("%llu\n", static_cast<unsigned long long>(line));
  return have == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto began = bench::now();
  const auto entered = bench_entered.tv_sec * std::int64_t{1'000'000'000} + bench_entered.tv_nsec;
  const Slot slot{began, getpid(), entered != 0 ? entered : began, 0, 0};
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "verify") return verify(argc - 2, argv + 2);
  if (argc < 4) return 2;
  const int board = open(argv[2], O_WRONLY | O_CLOEXEC);
  if (board < 0) return 2;
  const long index = std::strtol(argv[3], nullptr, 10);

  if (what == "listen") {
    bench::post(board, index, slot);
    listen(board, index, slot);
  }
  if ((what == "write" || what == "talk") && argc == 7) {
    const int gate = open(argv[4], O_RDONLY | O_CLOEXEC);  // before the post: whoever sees it may close the gate
    if (gate < 0) return 2;
    bench::post(board, index, slot);
    pass(gate);
    const std::uint64_t amount = std::strtoull(argv[5], nullptr, 10);
    const std::size_t size = std::strtoul(argv[6], nullptr, 10);
    what == "write" ? write_lines(amount, size) : talk(amount, size);
  } else if (what == "sleep") {
    bench::post(board, index, slot);
    close(board);
  } else {
    return 2;
  }
  for (;;)
    pause();
}
