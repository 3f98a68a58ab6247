// Whose turn it is: connections that have something to do wait here, in one queue for each client, and the clients take
// turns.
//
// One slice of a connection's work is bounded (Connection::work), and so is the time after which the loop gets to all its
// other duties. A client is a process on a unix socket and an address on TCP: a thousand connections get it no further
// than one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "base/fair_queue.h"

namespace sup::http {

class Connection;

// Equal for connections of one client.
using Client = std::uint64_t;
[[nodiscard]] Client client_of(int fd, bool is_unix);

class Turns {
 public:
  explicit Turns(boost::asio::io_context& loop) : loop_(loop) {}

  // The connection's work() is called, once, when it is its turn.
  void queue(Client client, std::shared_ptr<Connection> connection);

 private:
  void post();
  void run();

  boost::asio::io_context& loop_;
  FairQueue<std::shared_ptr<Connection>> waiting_;
  bool posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted, which may come too late
};

}  // namespace sup::http
