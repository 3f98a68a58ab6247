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
#include "http/turns.h"

namespace sup::http {

class Connection;

// A listening socket and who may come in there.
struct Site {
  Site(boost::asio::io_context& loop, Terms the_terms, std::string name);

  boost::asio::posix::stream_descriptor listener;
  boost::asio::steady_timer retry;  // armed only while the process is out of descriptors
  Terms terms;
  std::string label;
  bool is_unix = false;
  bool loopback = false;        // only this machine reaches it, over TCP
  std::size_t connections = 0;  // that are open
  std::size_t memory = 0;       // that their requests and replies take
};

struct Hub {
  Hub(boost::asio::io_context& the_loop, Handler the_handler, Log& the_log);

  void add(Site& site, UniqueFd fd);
  void remove(Connection& connection);
  // Closes the connection that can best be spared, of that site or, with nullptr, of all. False when there is none.
  bool make_room(const Site* site);
  // The memory of a connection of the site has grown to too much: closes those that have been stuck for longest, but
  // never `last`.
  void relieve(Site& site, const Connection& last);
  // A connection's deadline is new: the timer must not ring later.
  void note(Time deadline);
  // At most once a second.
  void log_wrong_credentials(const Site& site, const std::string& peer);

  boost::asio::io_context& loop;
  Handler handler;
  Log& log;
  DateCache date;
  Turns turns;
  bool closing = false;
  Server::Parking parking;  // set: connections go there when they are idle
  std::list<std::shared_ptr<Connection>> connections;
  std::array<char, 64 * 1024> scratch;  // bytes just read, until they are parsed

 private:
  void on_timer();

  std::size_t most_ = 4096;  // connections: half of the descriptors are left for everything else
  // One timer for all, set to the earliest deadline or earlier; not at all while there are no connections.
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for the timer's handler, which may come too late
  Time timer_at_ = Time::max();
  Time last_wrong_credentials_ = Time::min();
};

// HOST:PORT of the client; localhost:0 on a unix socket, as Supervisor's access log has it.
[[nodiscard]] std::string peer_name(int fd);
[[nodiscard]] bool is_unix_socket(int fd);
// Is the socket bound to an address of 127.0.0.0/8 or ::1?
[[nodiscard]] bool is_on_loopback(int fd);

}  // namespace sup::http
