#include "engine/talk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace sup::engine {
namespace {

constexpr std::uint64_t known_format = 1;
// Events lie one behind the other, so that a page that is still in the pipe is not written again soon.
constexpr off_t events_begin = 4096;
constexpr off_t events_end = off_t{4} << 20;
constexpr off_t taken_begin = events_end;
constexpr off_t much = 64 * 1024;  // of what was taken: then it is thrown away

void in_order() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

// In the first page. The same machine reads it, so the order of stores in the program is enough.
struct Talk::Header {
  std::uint64_t format = known_format;
  std::uint64_t serial = 0;
  std::uint64_t laid_down = 0;  // there is an event with that serial
  off_t at = events_begin;      // how far it was moved: the kernel writes this
  off_t end = events_begin;
  std::uint64_t forgotten = 0;  // bytes taken before those that are in memory
};

std::string talk_name(ProcessId id) {
  return "talk with " + std::to_string(id);
}

Talk::Talk(UniqueFd memory, Header* header) : memory_(std::move(memory)), header_(header) {}

Talk::~Talk() {
  munmap(header_, sizeof(Header));
}

std::shared_ptr<Talk> Talk::begin() {
  UniqueFd memory(memfd_create("supervisord listener", MFD_CLOEXEC));
  if (!memory || ftruncate(memory.get(), taken_begin) != 0) return nullptr;
  void* const map = mmap(nullptr, sizeof(Header), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (map == MAP_FAILED) return nullptr;
  return std::shared_ptr<Talk>(new Talk(std::move(memory), new (map) Header()));
}

std::shared_ptr<Talk> Talk::go_on(int memory) {
  UniqueFd ours(fcntl(memory, F_DUPFD_CLOEXEC, 3));
  struct stat status {};
  if (!ours || fstat(ours.get(), &status) != 0 || status.st_size < taken_begin) return nullptr;
  void* const map = mmap(nullptr, sizeof(Header), PROT_READ | PROT_WRITE, MAP_SHARED, ours.get(), 0);
  if (map == MAP_FAILED) return nullptr;
  auto* const header = static_cast<Header*>(map);
  std::shared_ptr<Talk> talk(new Talk(std::move(ours), header));
  const bool sound = header->format == known_format && header->at >= events_begin && header->at <= header->end &&
                     header->end <= events_end;
  return sound ? std::move(talk) : nullptr;
}

// ---- to the process

bool Talk::lay_down(std::uint64_t serial, std::string_view bytes) {
  const auto size = static_cast<off_t>(bytes.size());
  if (size > (events_end - events_begin) / 2) return false;
  const off_t begin = header_->end + size <= events_end ? header_->end : events_begin;
  header_->laid_down = 0;
  in_order();
  off_t end = begin;
  while (!bytes.empty()) {
    const ssize_t written = pwrite(memory_.get(), bytes.data(), bytes.size(), end);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    end += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  header_->end = end;
  header_->at = begin;
  header_->serial = serial;
  in_order();
  header_->laid_down = 1;
  in_order();
  return true;
}

bool Talk::holds(std::uint64_t serial) const {
  return header_->laid_down != 0 && header_->serial == serial;
}

Result<bool> Talk::move(int pipe) {
  while (header_->at < header_->end) {
    const auto left = static_cast<std::size_t>(header_->end - header_->at);
    ssize_t moved = plain_ ? -1 : splice(memory_.get(), &header_->at, pipe, nullptr, left, SPLICE_F_NONBLOCK);
    if (plain_ || (moved < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE)) {
      plain_ = true;
      char buffer[4096];
      const ssize_t got = pread(memory_.get(), buffer, std::min(left, sizeof buffer), header_->at);
      moved = got > 0 ? write(pipe, buffer, static_cast<std::size_t>(got)) : -1;
      if (moved > 0) header_->at += moved;
    }
    if (moved > 0 || (moved < 0 && errno == EINTR)) continue;
    if (moved == 0 || errno == EAGAIN) return false;
    return std::unexpected(system_error("write", "stdin of the process", errno));
  }
  return true;
}

// ---- from the process

off_t Talk::taken_end() const {
  struct stat status {};
  return fstat(memory_.get(), &status) == 0 ? status.st_size : taken_begin;
}

// All of it is dealt with. Killed in the middle, `forgotten` is too small: again() puts that right.
void Talk::forget_taken() {
  const off_t end = taken_end();
  if (end - taken_begin < much || ftruncate(memory_.get(), taken_begin) != 0) return;
  in_order();
  header_->forgotten += static_cast<std::uint64_t>(end - taken_begin);
}

ssize_t Talk::take(int pipe, std::span<char> into) {
  forget_taken();
  if (plain_) return read(pipe, into.data(), into.size());
  const off_t begin = taken_end();
  off_t end = begin;
  const ssize_t moved = splice(pipe, nullptr, memory_.get(), &end, into.size(), SPLICE_F_NONBLOCK);
  if (moved < 0 && errno != EAGAIN && errno != EINTR) {
    plain_ = true;
    return read(pipe, into.data(), into.size());
  }
  if (moved <= 0) return moved;
  return pread(memory_.get(), into.data(), static_cast<std::size_t>(moved), begin);
}

std::string Talk::again(std::uint64_t dealt_with) {
  const off_t end = taken_end();
  const auto here = static_cast<std::uint64_t>(end - taken_begin);
  if (header_->forgotten + here < dealt_with) header_->forgotten = dealt_with - here;
  if (header_->forgotten + here == dealt_with || dealt_with < header_->forgotten) return {};
  const std::uint64_t skip = dealt_with - header_->forgotten;
  std::string bytes(static_cast<std::size_t>(here - skip), '\0');
  const ssize_t got = pread(memory_.get(), bytes.data(), bytes.size(), taken_begin + static_cast<off_t>(skip));
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

}  // namespace sup::engine
