#include "daemon/listener_outputs.h"

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <utility>

#include "engine/talk.h"

namespace sup::daemon {
namespace asio = boost::asio;

namespace {

// One read per turn of the loop, so that a listener that floods does not keep the others waiting.
constexpr std::size_t read_size = 65536;
// Of the last words: as much as the largest pipe that anybody may make, since its writer may live on.
constexpr std::size_t longest_rest = 1024 * 1024;

}  // namespace

struct ListenerOutputs::Pipe {
  Pipe(asio::io_context& loop, UniqueFd fd, std::shared_ptr<engine::Talk> the_talk)
      : descriptor(loop, fd.release()), talk(std::move(the_talk)) {}

  // Reads once: the number of bytes, 0 at the end of file, -1 when there is nothing now.
  ssize_t read(char* buffer) {
    for (;;) {
      const int fd = descriptor.native_handle();
      const ssize_t got = talk ? talk->take(fd, {buffer, read_size}) : ::read(fd, buffer, read_size);
      if (got >= 0 || errno == EAGAIN) return got;
      if (errno != EINTR) return 0;  // as good as its end
    }
  }

  asio::posix::stream_descriptor descriptor;
  std::shared_ptr<engine::Talk> talk;
};

ListenerOutputs::ListenerOutputs(asio::io_context& loop) : loop_(loop) {}
ListenerOutputs::~ListenerOutputs() = default;

void ListenerOutputs::watch(ProcessId id, UniqueFd pipe, std::shared_ptr<engine::Talk> talk) {
  auto watched = std::make_shared<Pipe>(loop_, std::move(pipe), std::move(talk));
  pipes_[id] = watched;
  wait(id, watched);
}

void ListenerOutputs::wait(ProcessId id, const std::shared_ptr<Pipe>& pipe) {
  pipe->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [this, id, weak = std::weak_ptr(pipe)](const boost::system::error_code& error) {
                                if (const auto alive = weak.lock(); alive && !error) read(id, alive);
                              });
}

void ListenerOutputs::read(ProcessId id, const std::shared_ptr<Pipe>& pipe) {
  std::array<char, read_size> buffer;
  const ssize_t got = pipe->read(buffer.data());
  if (got == 0) return handlers_.closed(id);
  if (got > 0) handlers_.bytes(id, {buffer.data(), static_cast<std::size_t>(got)});
  const auto current = pipes_.find(id);
  if (current != pipes_.end() && current->second == pipe) wait(id, pipe);
}

std::string ListenerOutputs::finish(ProcessId id) {
  std::string rest;
  const auto node = pipes_.extract(id);
  if (node.empty()) return rest;
  std::array<char, read_size> buffer;
  while (rest.size() < longest_rest) {
    const ssize_t got = node.mapped()->read(buffer.data());
    if (got <= 0) break;
    rest.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return rest;
}

}  // namespace sup::daemon
