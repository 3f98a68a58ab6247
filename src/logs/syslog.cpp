#include "logs/syslog.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace sup::logs {
namespace {

std::string record(std::string_view line, WallTime time) {
  const std::time_t seconds = std::chrono::floor<Seconds>(time).time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&seconds, &local);
  // strftime("%b") would speak the user's language.
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  return fmt::format("<{}>{} {:2} {:02}:{:02}:{:02} supervisord: {}", LOG_USER | LOG_INFO,
                     months.substr(static_cast<std::size_t>(local.tm_mon) * 3, 3), local.tm_mday, local.tm_hour,
                     local.tm_min, local.tm_sec, line);
}

}  // namespace

bool Syslog::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      socket_ = std::move(fd);
      stream_ = type == SOCK_STREAM;
      rest_.clear();
      return true;
    }
    if (errno != EPROTOTYPE) return false;
  }
  return false;
}

bool Syslog::send_all(std::string_view record) {
  if (!rest_.empty()) {
    std::string_view rest = rest_;
    const bool done = push(rest);
    rest_.erase(0, rest_.size() - rest.size());
    if (!done) return false;
  }
  const std::size_t whole = record.size();
  if (push(record)) return true;
  if (!socket_ || record.size() == whole) return false;
  // What has begun must be ended some time, or the next record would become a part of it.
  rest_ = record;
  return true;
}

// Takes from the front of `bytes` what could be sent; false: not all, and without socket_ the connection is lost.
bool Syslog::push(std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      patience_.relieve();
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      if (!patience_.wait_writable(socket_.get())) return false;
    } else if (errno != EINTR) {
      socket_.reset();
      return false;
    }
  }
  return true;
}

bool Syslog::send(std::string_view line, WallTime time) {
  std::string text = record(line, time);
  const bool connected_before = static_cast<bool>(socket_);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!socket_ && !connect()) return false;
    if (stream_ && text.back() != '\0') text += '\0';  // what ends a record on a stream
    if (send_all(text)) return true;
    if (socket_ || !connected_before) return false;
  }
  return false;
}

}  // namespace sup::logs
