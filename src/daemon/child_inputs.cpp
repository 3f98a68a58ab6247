#include "daemon/child_inputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "engine/talk.h"

namespace sup::daemon {
namespace asio = boost::asio;

namespace {

constexpr Duration without_descriptors = std::chrono::milliseconds(20);
// One turn of the loop: a pipe whose reader is fast would take all that there is.
constexpr std::size_t slice = 256 * 1024;
constexpr std::size_t small = 64 * 1024;  // texts are joined up to this size

// A text, or the rest of one.
class Piece {
 public:
  explicit Piece(Borrowed text) : owner_(std::move(text.owner)), borrowed_(text.bytes) {
    if (owner_ == nullptr) own_ = borrowed_;
  }

  [[nodiscard]] std::string_view bytes() const {
    return (owner_ != nullptr ? borrowed_ : std::string_view(own_)).substr(written_);
  }
  [[nodiscard]] bool has_room() const { return owner_ == nullptr && own_.size() < small; }
  void join(std::string_view more) { own_ += more; }
  void drop(std::size_t count) { written_ += count; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view borrowed_;  // there is an owner
  std::string own_;            // there is none
  std::size_t written_ = 0;
};

}  // namespace

struct ChildInputs::Queue : std::enable_shared_from_this<Queue> {
  Queue(asio::io_context& loop, int fd) : pipe(loop), again(loop), engines(fd) {}

  void wait(ChildInputs& owner, ProcessId id) {
    const auto go_on = [self = shared_from_this(), &owner, id](const boost::system::error_code& error) {
      if (error || self->cancelled) return;
      if (self->flush()) {
        self->wait(owner, id);
      } else {
        owner.queues_.erase(id);
      }
    };
    if (can_wait()) return pipe.async_wait(asio::posix::stream_descriptor::wait_write, go_on);
    again.expires_after(without_descriptors);
    again.async_wait(go_on);
  }

  // A descriptor of its own, so that Asio and the engine can each close theirs. There may be none just now, but what
  // was begun must be ended: half a message makes nonsense of all that follow.
  bool can_wait() {
    if (pipe.is_open()) return true;
    UniqueFd duplicate(fcntl(engines, F_DUPFD_CLOEXEC, 0));
    boost::system::error_code failed;
    if (duplicate) pipe.assign(duplicate.get(), failed);
    if (pipe.is_open()) static_cast<void>(duplicate.release());
    return pipe.is_open();
  }

  void append(Borrowed text) {
    if (text.owner == nullptr && !pending.empty() && pending.back().has_room()) {
      pending.back().join(text.bytes);
    } else {
      pending.emplace_back(std::move(text));
    }
  }

  // Writes what goes; true while something is left for later. A closed pipe takes the rest with it.
  bool flush() {
    for (std::size_t done = 0; !pending.empty();) {
      Piece& first = pending.front();
      const std::string_view bytes = first.bytes().substr(0, slice);
      const ssize_t written = ::write(engines, bytes.data(), bytes.size());
      if (written < 0) return errno == EAGAIN || errno == EINTR;
      first.drop(static_cast<std::size_t>(written));
      if (first.bytes().empty()) pending.pop_front();
      done += static_cast<std::size_t>(written);
      if (done >= slice && !pending.empty()) return true;
    }
    if (!talk) return false;
    const auto moved = talk->move(engines);
    return moved && !*moved;
  }

  asio::posix::stream_descriptor pipe;
  asio::steady_timer again;
  const int engines;  // open until forget()
  std::deque<Piece> pending;
  std::shared_ptr<engine::Talk> talk;  // then what is laid down there
  bool cancelled = false;
};

ChildInputs::ChildInputs(asio::io_context& loop) : loop_(loop) {}

ChildInputs::~ChildInputs() {
  while (!queues_.empty()) forget(queues_.begin()->first);
}

Result<> ChildInputs::write(ProcessId id, int fd, Borrowed text) {
  if (const auto queued = queues_.find(id); queued != queues_.end()) {
    queued->second->append(std::move(text));
    return {};
  }
  std::string_view& bytes = text.bytes;
  for (std::size_t done = 0; !bytes.empty() && done < slice;) {
    const ssize_t written = ::write(fd, bytes.data(), std::min(bytes.size(), slice));
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return std::unexpected(system_error("write", "stdin of the process", errno));
    }
  }
  if (bytes.empty()) return {};
  make_queue(id, fd).append(std::move(text));
  return {};
}

Result<> ChildInputs::move(ProcessId id, int fd, std::shared_ptr<engine::Talk> talk) {
  if (const auto queued = queues_.find(id); queued != queues_.end()) {
    queued->second->talk = std::move(talk);
    return {};
  }
  const auto moved = talk->move(fd);
  if (!moved) return std::unexpected(moved.error());
  if (*moved) return {};
  make_queue(id, fd).talk = std::move(talk);
  return {};
}

ChildInputs::Queue& ChildInputs::make_queue(ProcessId id, int fd) {
  auto queue = std::make_shared<Queue>(loop_, fd);
  queue->wait(*this, id);
  return *queues_.emplace(id, std::move(queue)).first->second;
}

void ChildInputs::forget(ProcessId id) {
  const auto queued = queues_.find(id);
  if (queued == queues_.end()) return;
  queued->second->cancelled = true;
  boost::system::error_code ignored;
  queued->second->pipe.close(ignored);
  queued->second->again.cancel();
  queues_.erase(queued);
}

}  // namespace sup::daemon
