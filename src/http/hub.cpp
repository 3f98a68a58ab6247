#include "http/hub.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "http/connection.h"
#include "os/limits.h"

namespace sup::http {
namespace {

Time now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

// Nothing to read and nothing to come: it costs less to see that here than in a connection, and takes nobody's place.
bool has_left(int fd) {
  char byte;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace

Site::Site(boost::asio::io_context& loop, Terms the_terms, std::string name)
    : listener(loop), retry(loop), terms(std::move(the_terms)), label(std::move(name)) {}

Hub::Hub(boost::asio::io_context& the_loop, Handler the_handler, Log& the_log)
    : loop(the_loop), handler(std::move(the_handler)), log(the_log), turns(the_loop), timer_(the_loop) {
  if (const auto files = os::get_limit(RLIMIT_NOFILE)) most_ = std::max<std::size_t>(files->soft / 2, 1);
}

void Hub::add(Site& site, UniqueFd fd) {
  if (has_left(fd.get())) return;
  if (site.connections >= site.terms.limits.connections && !make_room(&site)) return;
  if (connections.size() >= most_ && !make_room(nullptr)) return;
  if (const int on = 1; !site.is_unix) {
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  auto connection = std::make_shared<Connection>(*this, site);
  connection->place = connections.insert(connections.end(), connection);
  ++site.connections;
  if (!connection->start(std::move(fd))) connection->abandon();
}

// Of the client that has the most: the least worth, and of those the one in which nothing has moved for longest.
bool Hub::make_room(const Site* site) {
  std::unordered_map<Client, std::size_t> counts;
  for (const auto& connection : connections)
    if (site == nullptr || &connection->site() == site) ++counts[connection->client()];
  std::shared_ptr<Connection> best;
  const auto rank = [&](const Connection& connection) {
    return std::tuple(-static_cast<std::ptrdiff_t>(counts[connection.client()]), connection.worth(),
                      connection.progress());
  };
  for (const auto& connection : connections) {
    if (site != nullptr && &connection->site() != site) continue;
    if (best == nullptr || rank(*connection) < rank(*best)) best = connection;
  }
  if (best != nullptr) best->abandon();
  return best != nullptr;
}

void Hub::relieve(Site& site, const Connection& last) {
  while (site.memory > site.terms.limits.memory_bytes) {
    std::shared_ptr<Connection> worst;
    for (const auto& connection : connections) {
      if (&connection->site() != &site || connection.get() == &last || connection->memory() == 0) continue;
      if (worst == nullptr || connection->progress() < worst->progress()) worst = connection;
    }
    if (worst == nullptr) return;
    log(Level::warn, "{}: the memory for clients is used up, closing the connection that has been stuck for longest",
        site.label);
    worst->abandon();
  }
}

void Hub::remove(Connection& connection) {
  --connection.site().connections;
  connections.erase(connection.place);
  if (!connections.empty()) return;
  timer_.cancel();
  timer_at_ = Time::max();
}

void Hub::note(Time deadline) {
  if (deadline >= timer_at_) return;
  timer_at_ = deadline;
  timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(deadline));
  timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](boost::system::error_code error) {
    if (!error && !alive.expired()) on_timer();
  });
}

void Hub::on_timer() {
  timer_at_ = Time::max();
  const Time present = now();
  Time earliest = Time::max();
  std::vector<std::shared_ptr<Connection>> late;
  for (const auto& connection : connections) {
    if (connection->deadline() <= present) {
      late.push_back(connection);
    } else {
      earliest = std::min(earliest, connection->deadline());
    }
  }
  for (const auto& connection : late)
    connection->expire();
  note(earliest);
}

void Hub::log_wrong_credentials(const Site& site, const std::string& peer) {
  const Time present = now();
  if (last_wrong_credentials_ != Time::min() && present - last_wrong_credentials_ < Seconds(1)) return;
  last_wrong_credentials_ = present;
  log(Level::warn, "{}: wrong user name or password from {}", site.label, peer);
}

}  // namespace sup::http
