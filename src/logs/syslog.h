// Lines to the system's log, as syslog(3) sends them, but without waiting for a daemon that does not keep up.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "base/unique_fd.h"
#include "logs/patience.h"

namespace sup::logs {

class Syslog {
 public:
  // Connects with the first line, and again after the syslog daemon was restarted.
  explicit Syslog(std::string path = "/dev/log") : path_(std::move(path)) {}

  // One line, without its newline, at LOG_INFO|LOG_USER. False: it could not be sent and is not kept.
  [[nodiscard]] bool send(std::string_view line, WallTime time);

 private:
  [[nodiscard]] bool connect();
  [[nodiscard]] bool send_all(std::string_view record);
  [[nodiscard]] bool push(std::string_view& bytes);

  std::string path_;
  std::string rest_;  // of a record whose beginning is on the stream
  UniqueFd socket_;
  bool stream_ = false;
  Patience patience_;
};

}  // namespace sup::logs
