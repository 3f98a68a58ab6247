// What the connections of one server share.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/format.h"
#include "http/server.h"

namespace sup::http {

class Connection;

// A listening socket and who may come in there.
struct Site {
  Site(boost::asio::io_context& loop, Credentials who, std::string name);

  boost::asio::posix::stream_descriptor listener;
  boost::asio::steady_timer retry;  // armed only while the process is out of descriptors
  Credentials credentials;
  std::string label;
};

struct Hub {
  Hub(boost::asio::io_context& the_loop, Handler the_handler, Limits the_limits, Log& the_log);

  void add(Site& site, UniqueFd fd);
  void remove(Connection& connection);
  // A connection's deadline is new: the timer must not ring later.
  void note(Time deadline);
  // At most once a second.
  void log_wrong_credentials(const Site& site, const std::string& peer);

  boost::asio::io_context& loop;
  Handler handler;
  Limits limits;
  Log& log;
  DateCache date;
  bool closing = false;
  Server::Parking parking;  // set: connections go there when they are idle
  std::list<std::shared_ptr<Connection>> connections;
  std::array<char, 64 * 1024> scratch;  // bytes just read, until they are parsed

 private:
  void on_timer();
  bool make_room();

  // One timer for all, set to the earliest deadline or earlier; not at all while there are no connections.
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for the timer's handler, which may come too late
  Time timer_at_ = Time::max();
  Time last_wrong_credentials_ = Time::min();
};

// HOST:PORT of the client; localhost:0 on a unix socket, as Supervisor's access log has it.
[[nodiscard]] std::string peer_name(int fd);

}  // namespace sup::http
