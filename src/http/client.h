// A blocking HTTP client for command-line programs: unix sockets and TCP, one persistent connection, basic auth.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sup::http {

struct Reply {
  int status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

class Client {
 public:
  // `url` is http://host[:port] (port 80 by default) or unix:///path. Connects at the first request.
  // An Error of a request carries the errno of the connect that failed (ECONNREFUSED, ENOENT), or 0.
  [[nodiscard]] static Result<Client> make(const std::string& url);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  void set_credentials(std::string username, std::string password);
  [[nodiscard]] Result<Reply> post(std::string_view target, std::string_view content_type, std::string_view body);

  // GET of a body without end. `on_data` gets each piece as it comes, and ends the stream by returning false; reads
  // also end when `stop_fd` (or -1) becomes readable. The Reply has no body unless the status is not 200;
  // status 0 says that it was ended before there was one.
  [[nodiscard]] Result<Reply> stream(std::string_view target, const std::function<bool(std::string_view)>& on_data,
                                     int stop_fd = -1);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sup::http
