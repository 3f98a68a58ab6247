#include "daemon/child_inputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <utility>

#include "engine/talk.h"

namespace sup::daemon {
namespace asio = boost::asio;

namespace {

constexpr Duration without_descriptors = std::chrono::milliseconds(20);

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

  // Writes what goes; true while something is left for later. A closed pipe takes the rest with it.
  bool flush() {
    while (!pending.empty()) {
      const ssize_t written = ::write(engines, pending.data(), pending.size());
      if (written < 0) return errno == EAGAIN || errno == EINTR;
      pending.erase(0, static_cast<std::size_t>(written));
    }
    if (!talk) return false;
    const auto moved = talk->move(engines);
    return moved && !*moved;
  }

  asio::posix::stream_descriptor pipe;
  asio::steady_timer again;
  const int engines;  // open until forget()
  std::string pending;
  std::shared_ptr<engine::Talk> talk;  // then what is laid down there
  bool cancelled = false;
};

ChildInputs::ChildInputs(asio::io_context& loop) : loop_(loop) {}

ChildInputs::~ChildInputs() {
  while (!queues_.empty()) forget(queues_.begin()->first);
}

Result<> ChildInputs::write(ProcessId id, int fd, std::string_view bytes) {
  if (const auto queued = queues_.find(id); queued != queues_.end()) {
    queued->second->pending.append(bytes);
    return {};
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return std::unexpected(system_error("write", "stdin of the process", errno));
    }
  }
  if (bytes.empty()) return {};
  make_queue(id, fd).pending = bytes;
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
