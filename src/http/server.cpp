#include "http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "http/connection.h"
#include "http/hub.h"

namespace sup::http {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr int accept_batch = 64;
constexpr Seconds accept_retry{1};

Time now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  return {};
}

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(boost::asio::io_context& loop, Handler handler, Limits limits, Log& log)
      : hub(loop, std::move(handler), limits, log) {}

  void wait(Site& site);
  void accept(Site& site);
  void close(bool at_once);
  void park();

  Hub hub;
  std::list<Site> sites;
};

void Server::Impl::wait(Site& site) {
  site.listener.async_wait(stream_descriptor::wait_read,
                           [self = shared_from_this(), &site](boost::system::error_code error) {
                             if (!error) self->accept(site);
                           });
}

void Server::Impl::accept(Site& site) {
  for (int i = 0; i < accept_batch && !hub.closing && !hub.parking; ++i) {
    UniqueFd fd(::accept4(site.listener.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      hub.add(site, std::move(fd));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The client stays in the queue; asking again at once would only burn time.
      site.retry.expires_after(accept_retry);
      site.retry.async_wait([self = shared_from_this(), &site](boost::system::error_code error) {
        if (!error) self->accept(site);
      });
      return;
    }
    if (errno != EINTR && errno != ECONNABORTED) break;
  }
  if (!hub.closing && !hub.parking) wait(site);
}

void Server::Impl::close(bool at_once) {
  hub.closing = true;
  boost::system::error_code ignored;
  for (Site& site : sites) {
    // Closing alone would leave a socket of which another process has a copy listening, and its address in use.
    if (site.listener.is_open()) ::shutdown(site.listener.native_handle(), SHUT_RDWR);
    site.listener.close(ignored);
    site.retry.cancel();
  }
  const auto connections = hub.connections;  // closing changes the list
  for (const auto& connection : connections)
    at_once ? connection->abandon() : connection->finish();
}

void Server::Impl::park() {
  boost::system::error_code ignored;
  for (Site& site : sites) {
    site.listener.close(ignored);
    site.retry.cancel();
  }
  const auto connections = hub.connections;  // parking changes the list
  for (const auto& connection : connections)
    connection->park_soon();
}

Server::Server(boost::asio::io_context& loop, Handler handler, Limits limits, Log& log)
    : impl_(std::make_shared<Impl>(loop, std::move(handler), limits, log)) {}

Server::~Server() {
  impl_->close(true);
}

void Server::serve(UniqueFd listener, Credentials credentials, std::string label) {
  Site& site = impl_->sites.emplace_back(impl_->hub.loop, std::move(credentials), std::move(label));
  boost::system::error_code error;
  site.listener.assign(listener.get(), error);
  if (error) {
    impl_->hub.log(Level::error, "{}: cannot be served: {}", site.label, error.message());
    return;
  }
  (void)listener.release();
  impl_->wait(site);
}

void Server::close() {
  impl_->close(false);
}

void Server::park(Parking keep) {
  impl_->hub.parking = std::move(keep);
  impl_->park();
}

std::size_t Server::connections() const {
  return impl_->hub.connections.size();
}

void Server::adopt(UniqueFd connection, const std::string& label) {
  const auto site = std::ranges::find(impl_->sites, label, &Site::label);
  if (site != impl_->sites.end()) impl_->hub.add(*site, std::move(connection));
}

// ---- what connections share

Site::Site(boost::asio::io_context& loop, Credentials who, std::string name)
    : listener(loop), retry(loop), credentials(std::move(who)), label(std::move(name)) {}

Hub::Hub(boost::asio::io_context& the_loop, Handler the_handler, Limits the_limits, Log& the_log)
    : loop(the_loop), handler(std::move(the_handler)), limits(the_limits), log(the_log), timer_(the_loop) {}

void Hub::add(Site& site, UniqueFd fd) {
  if (connections.size() >= limits.connections && !make_room()) return;
  const int on = 1;  // fails on a unix socket, which has no delay
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  auto connection = std::make_shared<Connection>(*this, site);
  connection->place = connections.insert(connections.end(), connection);
  if (!connection->start(std::move(fd))) connection->abandon();
}

// The client that has been silent for longest makes room for a new one.
bool Hub::make_room() {
  std::shared_ptr<Connection> oldest;
  for (const auto& connection : connections)
    if (connection->idle() && (oldest == nullptr || connection->deadline() < oldest->deadline())) oldest = connection;
  if (oldest != nullptr) oldest->abandon();
  return oldest != nullptr;
}

void Hub::remove(Connection& connection) {
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
