#include "http/server.h"

#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <utility>

#include "http/connection.h"
#include "http/hub.h"

namespace sup::http {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr int accept_batch = 16;  // in one turn
constexpr Seconds accept_retry{1};

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  return {};
}

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(boost::asio::io_context& loop, Handler handler, Log& log) : hub(loop, std::move(handler), log) {}

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
    if (errno == EMFILE && hub.make_room(nullptr)) continue;
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

Server::Server(boost::asio::io_context& loop, Handler handler, Log& log)
    : impl_(std::make_shared<Impl>(loop, std::move(handler), log)) {}

Server::~Server() {
  impl_->close(true);
}

void Server::serve(UniqueFd listener, Terms terms, std::string label) {
  Site& site = impl_->sites.emplace_back(impl_->hub.loop, std::move(terms), std::move(label));
  site.is_unix = is_unix_socket(listener.get());
  site.loopback = is_on_loopback(listener.get());
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

}  // namespace sup::http
