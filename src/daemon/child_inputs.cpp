#include "daemon/child_inputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <utility>

#include "engine/talk.h"

namespace sup::daemon {
namespace asio = boost::asio;

struct ChildInputs::Queue : std::enable_shared_from_this<Queue> {
  // A descriptor of its own, so that Asio and the engine can each close theirs.
  Queue(asio::io_context& loop, int duplicate) : pipe(loop, duplicate) {}

  void wait(ChildInputs& owner, ProcessId id) {
    pipe.async_wait(asio::posix::stream_descriptor::wait_write,
                    [self = shared_from_this(), &owner, id](const boost::system::error_code& error) {
                      if (error || self->cancelled) return;
                      if (self->flush()) {
                        self->wait(owner, id);
                      } else {
                        owner.queues_.erase(id);
                      }
                    });
  }

  // Writes what goes; true while something is left for later. A closed pipe takes the rest with it.
  bool flush() {
    while (!pending.empty()) {
      const ssize_t written = ::write(pipe.native_handle(), pending.data(), pending.size());
      if (written < 0) return errno == EAGAIN || errno == EINTR;
      pending.erase(0, static_cast<std::size_t>(written));
    }
    if (!talk) return false;
    const auto moved = talk->move(pipe.native_handle());
    return moved && !*moved;
  }

  asio::posix::stream_descriptor pipe;
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
  auto queue = make_queue(id, fd);
  if (!queue) return std::unexpected(std::move(queue.error()));
  (*queue)->pending = bytes;
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
  auto queue = make_queue(id, fd);
  if (!queue) return std::unexpected(std::move(queue.error()));
  (*queue)->talk = std::move(talk);
  return {};
}

Result<ChildInputs::Queue*> ChildInputs::make_queue(ProcessId id, int fd) {
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) return std::unexpected(system_error("fcntl F_DUPFD_CLOEXEC", {}, errno));
  auto queue = std::make_shared<Queue>(loop_, duplicate);
  queue->wait(*this, id);
  return queues_.emplace(id, std::move(queue)).first->second.get();
}

void ChildInputs::forget(ProcessId id) {
  const auto queued = queues_.find(id);
  if (queued == queues_.end()) return;
  queued->second->cancelled = true;
  boost::system::error_code ignored;
  queued->second->pipe.close(ignored);
  queues_.erase(queued);
}

}  // namespace sup::daemon
