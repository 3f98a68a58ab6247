// Opens the HTTP servers of the configuration, or takes back their sockets from the keeper, and removes them at the end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "http/server.h"
#include "keeper/client.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

class Servers {
 public:
  Servers(boost::asio::io_context& loop, http::Handler handler, keeper::Children& keeper, Log& log);
  // Closes them; the keeper lets go of the sockets and their files are removed, if open() succeeded.
  ~Servers();

  // `held`: sockets that an earlier manager left with the keeper; those of servers that are configured still are used,
  // and so are connections that it had parked.
  // The Error's text is for the usage exit.
  [[nodiscard]] Result<> open(const config::Config& config, std::map<std::string, UniqueFd>& held);

  // For a successor: no connection is accepted any more, and each is left with the keeper when nothing is in flight on
  // it; then parked() is true.
  void park();
  [[nodiscard]] bool parked() const { return server_->connections() == 0; }

 private:
  struct Address {
    std::string hold_name;
    std::string unix_path;  // empty for TCP
  };

  void adopt_connections(std::map<std::string, UniqueFd>& held);
  [[nodiscard]] Result<UniqueFd> listen(const config::UnixServer& server);
  [[nodiscard]] Result<UniqueFd> listen(const config::InetServer& server);
  void announce(const std::string& section, const config::Credentials& credentials, const config::Config& config);
  template <class Server>
  [[nodiscard]] Result<> open_one(const Server& server, Address address, const config::Config& config,
                                  std::map<std::string, UniqueFd>& held);

  keeper::Children& keeper_;
  Log& log_;
  std::unique_ptr<http::Server> server_;
  std::vector<Address> open_;
  unsigned parked_ = 0;
  bool complete_ = false;
};

}  // namespace sup::daemon
