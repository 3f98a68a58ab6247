#include "logs/transit.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace sup::logs {
namespace {

constexpr const char* memory_name = "log transit memory";
constexpr const char* belt_in_name = "log transit belt, in";
constexpr const char* belt_out_name = "log transit belt, out";
constexpr std::uint64_t format = 0x7375702d6c6f6731;  // changes with the layout of the memory
constexpr std::size_t page = 4096;
constexpr std::size_t buffer_at = page;  // behind the journal
constexpr std::size_t slots_at = buffer_at + Transit::capacity;
constexpr int belt_size = 256 << 10;  // pages that are not full take a place on the belt too

// A successor sees what was stored in the order of the program: no store moves across this one.
template <class T>
void publish(std::atomic<T>& place, T value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  place.store(value, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

UniqueFd take_from(std::map<std::string, UniqueFd>& held, const char* name) {
  auto node = held.extract(name);
  return node.empty() ? UniqueFd() : std::move(node.mapped());
}

}  // namespace

Transit::Held Transit::make() {
  Held held;
  held.memory.reset(::memfd_create("supervisord logs", MFD_CLOEXEC));
  int ends[2];
  if (!held.memory || ::ftruncate(held.memory.get(), slots_at) != 0) return {};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  held.belt_out.reset(ends[0]);
  held.belt_in.reset(ends[1]);
  ::fcntl(ends[1], F_SETPIPE_SZ, belt_size);  // best effort: users have a limit of such memory
  return held;
}

Transit::Transit() : Transit(make()) {
  new (journal_) Journal;
  journal_->format = format;
}

Transit::Transit(Held held)
    : memory_(std::move(held.memory)), belt_in_(std::move(held.belt_in)), belt_out_(std::move(held.belt_out)) {
  const int flags = memory_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* mapped = ::mmap(nullptr, slots_at, PROT_READ | PROT_WRITE, flags, memory_ ? memory_.get() : -1, 0);
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  static_assert(sizeof(Journal) <= page);
  journal_ = static_cast<Journal*>(mapped);
  buffer_ = static_cast<char*>(mapped) + buffer_at;
}

Transit::~Transit() {
  ::munmap(journal_, slots_at);
  if (!slots_.empty()) ::munmap(slots_.data(), slots_.size_bytes());
}

std::unique_ptr<Transit> Transit::inherit(std::map<std::string, UniqueFd>& held) {
  Held found{take_from(held, memory_name), take_from(held, belt_in_name), take_from(held, belt_out_name)};
  struct stat info {};
  if (!found.memory || !found.belt_in || !found.belt_out || ::fstat(found.memory.get(), &info) != 0 ||
      info.st_size < static_cast<off_t>(slots_at)) {
    return nullptr;
  }
  std::unique_ptr<Transit> transit(new Transit(std::move(found)));
  if (transit->journal_->format != format || !transit->map_slots()) return nullptr;
  return transit;
}

std::vector<std::pair<std::string, int>> Transit::heirlooms() const {
  if (!survives()) return {};
  return {{memory_name, memory_.get()}, {belt_in_name, belt_in_.get()}, {belt_out_name, belt_out_.get()}};
}

// ---- a chunk

void Transit::begin(ProcessId id, Channel channel, bool end_of_stream) {
  journal_->id = id;
  journal_->channel = static_cast<std::uint32_t>(channel);
  journal_->end_of_stream = end_of_stream ? 1 : 0;
}

// The chunk has `size` bytes, of which nothing is written.
void Transit::begin_notes(std::size_t size) {
  journal_->size = size;
  journal_->notes[0] = {};
  publish(journal_->note, 0U);
  publish<std::int64_t>(journal_->rotation_step, RotatingFile::no_rotation);
  publish(journal_->state, State::taken);
  size_ = size;
  made_ = 0;
}

ssize_t Transit::take(int pipe, ProcessId id, Channel channel) {
  begin(id, channel, false);
  ssize_t n = -1;
  bool moved = false;
  if (belt_in_) {
    publish(journal_->state, State::moving);
    n = ::splice(pipe, nullptr, belt_in_.get(), nullptr, capacity, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    moved = n > 0;
  }
  // No pipe, or a sandbox refuses: it cannot be moved.
  if (!belt_in_ || (n < 0 && errno != EAGAIN && errno != EINTR)) n = ::read(pipe, buffer_, capacity);
  if (n <= 0) {
    const int code = errno;
    publish(journal_->state, State::idle);
    errno = code;
    return n;
  }
  begin_notes(static_cast<std::size_t>(n));
  if (moved && !fetch(0)) {
    const int code = errno;
    give_up();
    errno = code;
    return -1;
  }
  return n;
}

// Takes from the belt what bytes() lacks, from `from` on. It is all there.
bool Transit::fetch(std::size_t from) {
  while (from < size_) {
    const ssize_t n = ::read(belt_out_.get(), buffer_ + from, size_ - from);
    if (n <= 0) return false;
    from += static_cast<std::size_t>(n);
  }
  return true;
}

// Whatever went wrong, the bytes of one process must not end in the log of another.
void Transit::give_up() {
  char rest[page];
  while (::read(belt_out_.get(), rest, sizeof rest) > 0) {
  }
  done();
}

void Transit::end_of_stream(ProcessId id, Channel channel) {
  begin(id, channel, true);
  begin_notes(0);
}

void Transit::note(const Note& note) {
  const std::uint32_t other = 1 - journal_->note.load(std::memory_order_relaxed);
  journal_->notes[other] = note;
  publish(journal_->note, other);
}

void Transit::writing(const std::optional<FileMark>& log, std::size_t length) {
  note({made_, length, log.value_or(FileMark{}), log.has_value()});
}

void Transit::written() {
  Note now = journal_->notes[journal_->note.load(std::memory_order_relaxed)];
  made_ += now.length;
  now.made = made_;
  now.length = 0;
  note(now);
}

void Transit::done() {
  publish(journal_->state, State::idle);
}

void Transit::done(int slot, const FilterState& state) {
  journal_->slot = slot;
  journal_->next = state;
  publish(journal_->state, State::committing);
  commit();
}

void Transit::commit() {
  const std::int32_t slot = journal_->slot;
  if (slot >= 0 && static_cast<std::size_t>(slot) < slots_.size()) {
    slots_[static_cast<std::size_t>(slot)].state = journal_->next;
  }
  done();
}

// ---- filters

// As many as the memory has room for.
bool Transit::map_slots() {
  struct stat info {};
  if (::fstat(memory_.get(), &info) != 0) return false;
  const std::size_t size = (static_cast<std::size_t>(info.st_size) - slots_at) / page * page;
  if (size == slots_.size_bytes()) return true;
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), slots_at);
  if (mapped == MAP_FAILED) return false;
  if (!slots_.empty()) ::munmap(slots_.data(), slots_.size_bytes());
  slots_ = {static_cast<Slot*>(mapped), size / sizeof(Slot)};
  return true;
}

int Transit::slot(ProcessId id, Channel channel) {
  const auto number = static_cast<std::uint32_t>(channel);
  int found = -1;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const bool used = slots_[i].used.load(std::memory_order_acquire) != 0;
    if (used && slots_[i].id == id && slots_[i].channel == number) return static_cast<int>(i);
    if (!used && found < 0) found = static_cast<int>(i);
  }
  if (found < 0) {
    if (!memory_) return -1;
    found = static_cast<int>(slots_.size());
    const std::size_t size = slots_at + slots_.size_bytes() + page;
    if (::ftruncate(memory_.get(), static_cast<off_t>(size)) != 0 || !map_slots()) return -1;
  }
  Slot& fresh = slots_[static_cast<std::size_t>(found)];
  fresh.id = id;
  fresh.channel = number;
  fresh.state = {};
  publish(fresh.used, 1U);
  return found;
}

FilterState Transit::filter_state(int slot) const {
  return slot < 0 ? FilterState{} : slots_[static_cast<std::size_t>(slot)].state;
}

void Transit::free_slot(int slot) {
  if (slot >= 0) publish(slots_[static_cast<std::size_t>(slot)].used, 0U);
}

// ---- what a predecessor left

std::optional<Transit::Left> Transit::left() {
  int on_belt = 0;
  if (!survives() || ::ioctl(belt_out_.get(), FIONREAD, &on_belt) != 0) return std::nullopt;
  const auto behind = static_cast<std::size_t>(on_belt);
  switch (journal_->state.load(std::memory_order_acquire)) {
    case State::idle:
      return std::nullopt;
    case State::committing:
      commit();
      return std::nullopt;
    case State::moving:
      if (behind == 0) {
        done();
        return std::nullopt;
      }
      begin_notes(std::min(behind, capacity));
      break;
    case State::taken:
      size_ = journal_->size;
      break;
  }
  if (size_ > capacity || behind > size_ || !fetch(size_ - behind)) {
    give_up();
    return std::nullopt;
  }
  const Note& note = journal_->notes[journal_->note.load(std::memory_order_acquire) & 1U];
  Left left;
  left.id = journal_->id;
  left.channel = static_cast<Channel>(journal_->channel & 1U);
  left.end_of_stream = journal_->end_of_stream != 0;
  left.written = note.made;
  left.length = note.length;
  if (note.marked) left.log = note.log;
  left.rotation_step = journal_->rotation_step.load(std::memory_order_acquire);
  made_ = 0;
  return left;
}

}  // namespace sup::logs
