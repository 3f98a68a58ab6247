#include "engine/held_journal.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sup::engine {
namespace {

// Notes are thrown away when there are this many bytes of them, and more than there were at the last beginning.
constexpr std::size_t long_enough = 64 * 1024;

}  // namespace

std::string journal_name(std::string_view pool) { return "events of " + std::string(pool); }

HeldJournal::HeldJournal(std::string pool, keeper::Children& children, Log& log)
    : pool_(std::move(pool)), children_(children), log_(log) {}

void HeldJournal::give_up(const Error& error) {
  memory_.reset();
  if (std::exchange(complained_, true)) return;
  log_(Level::warn, "events of pool {} would not outlive a crash of the manager: {}", pool_, error.text);
}

void HeldJournal::append(const process::NoteText& notes) {
  notes.each([this](std::string_view piece) { write(piece); });
}

void HeldJournal::write(std::string_view notes) {
  size_ += notes.size();
  while (memory_ && !notes.empty()) {
    const ssize_t written = ::write(memory_.get(), notes.data(), notes.size());
    if (written >= 0) {
      notes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      // Half a picture is worse than none.
      children_.release(journal_name(pool_));
      give_up(system_error("write", "memfd", errno));
    }
  }
}

bool HeldJournal::is_long(std::size_t more) const { return size_ + more > begun_ + std::max(long_enough, begun_); }

void HeldJournal::begin(const process::NoteText& notes) {
  // New memory, so that the keeper has one complete picture or the other.
  memory_.reset(memfd_create("supervisord events", MFD_CLOEXEC));
  size_ = 0;
  if (!memory_) give_up(system_error("memfd_create", {}, errno));
  append(notes);
  begun_ = size_;
  if (memory_) children_.hold(journal_name(pool_), memory_.get());
}

std::string read_held_journal(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = pread(fd, bytes.data(), bytes.size(), 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

}  // namespace sup::engine
