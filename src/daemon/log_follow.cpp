#include "daemon/log_follow.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "base/unique_fd.h"

namespace sup::daemon {
namespace {

namespace asio = boost::asio;

constexpr off_t initial_bytes = 1024;
constexpr std::size_t read_size = 64 * 1024;
constexpr auto poll_interval = std::chrono::seconds(1);      // only where inotify is not to be had

class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(asio::io_context& loop, std::string path, std::shared_ptr<http::Exchange> exchange)
      : path_(std::move(path)), exchange_(std::move(exchange)), events_(loop), timer_(loop) {}

  void start(http::Response head) {
    // The exchange owns the callback and through it this follower, until the client leaves.
    exchange_->on_gone([self = shared_from_this()] { self->stop(); });
    exchange_->begin(std::move(head));
    watch();
    open_file();
    if (file_) {
      struct stat status {};
      if (fstat(file_.get(), &status) == 0 && status.st_size > initial_bytes) offset_ = status.st_size - initial_bytes;
    }
    advance();
    wait();
  }

 private:
  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    events_.close(ignored);
    timer_.cancel();
    exchange_.reset();
  }

  void watch() {
    UniqueFd fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) return;
    const auto slash = path_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    if (inotify_add_watch(fd.get(), directory.c_str(), IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0) return;
    boost::system::error_code ignored;
    events_.assign(fd.release(), ignored);
  }

  void open_file() {
    file_.reset(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    offset_ = 0;
    struct stat status {};
    if (!file_ || fstat(file_.get(), &status) != 0) return;
    inode_ = status.st_ino;
    if (events_.is_open()) inotify_add_watch(events_.native_handle(), path_.c_str(), IN_MODIFY | IN_ATTRIB);
  }

  // Sends what is new: a piece at a time, and the next when the client has taken it and others had their turn.
  void advance() {
    for (;;) {
      if (stopped_) return;
      if (!send_growth()) return;
      // All of the old file is sent: go on with the one that has its name now.
      struct stat named {};
      if (stat(path_.c_str(), &named) != 0 || (file_ && named.st_ino == inode_)) return;
      open_file();
      if (!file_) return;
    }
  }

  // False when there is more to send, later.
  bool send_growth() {
    if (sending_) return false;
    if (!file_) return true;
    struct stat status {};
    if (fstat(file_.get(), &status) != 0) return true;
    if (status.st_size < offset_) {
      exchange_->chunk("==> File truncated <==\n");
      offset_ = 0;
    }
    std::array<char, read_size> buffer;
    const ssize_t count = pread(file_.get(), buffer.data(), buffer.size(), offset_);
    if (count <= 0 || stopped_) return !stopped_;
    offset_ += count;
    exchange_->chunk({buffer.data(), static_cast<std::size_t>(count)});
    if (stopped_) return false;
    advance_in_turn();
    return false;
  }

  void advance_in_turn() {
    if (std::exchange(sending_, true)) return;
    exchange_->when_taken([self = weak_from_this()] {
      const auto follower = self.lock();
      if (!follower || follower->stopped_) return;
      follower->sending_ = false;
      follower->advance();
    });
  }

  void wait() {
    if (stopped_) return;
    if (!events_.is_open()) {
      timer_.expires_after(poll_interval);
      timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (error) return;
        self->advance();
        self->wait();
      });
      return;
    }
    events_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (error || self->stopped_) return;
                         std::array<char, 4096> ignored;  // that something happened is all we need to know
                         while (read(self->events_.native_handle(), ignored.data(), ignored.size()) > 0) {
                         }
                         self->advance_in_turn();
                         self->wait();
                       });
  }

  std::string path_;
  std::shared_ptr<http::Exchange> exchange_;
  asio::posix::stream_descriptor events_;
  asio::steady_timer timer_;
  UniqueFd file_;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  bool sending_ = false;  // the client has not taken the last piece yet
  bool stopped_ = false;
};

}  // namespace

void follow_log(boost::asio::io_context& loop, std::string path, std::shared_ptr<http::Exchange> exchange,
                http::Response head) {
  std::make_shared<Follower>(loop, std::move(path), std::move(exchange))->start(std::move(head));
}

}  // namespace sup::daemon
