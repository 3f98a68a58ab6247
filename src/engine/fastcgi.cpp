#include "engine/fastcgi.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

namespace sup::engine {
namespace {

// Under which name the keeper holds it.
std::string held_name(const std::pair<std::string, std::string>& key) {
  return fmt::format("socket of {} {}", key.first, key.second);
}

// Each socket of the group once.
std::map<std::string, const config::FcgiSocket*> sockets_of(const GroupEntry& group) {
  std::map<std::string, const config::FcgiSocket*> sockets;
  for (const auto& entry : group.entries) {
    if (entry->socket != nullptr) sockets.emplace(entry->socket->url, entry->socket);
  }
  return sockets;
}

}  // namespace

FastCgi::FastCgi(const Surroundings& out) : children_(out.children), files_(out.files), log_(out.log) {}

void FastCgi::add(const GroupEntry& group) {
  for (const auto& [url, socket] : sockets_of(group)) {
    const Key key(group.config->name, url);
    if (const auto created = create(key, *socket); !created) {
      log_(Level::error, "{}", created.error().text);
    } else {
      close(key);
    }
  }
}

void FastCgi::restore(const GroupEntry& group, const std::map<std::string, UniqueFd>& held) {
  for (const auto& [url, socket] : sockets_of(group)) {
    const Key key(group.config->name, url);
    Shared& shared = sockets_[key];
    if (const auto found = held.find(held_name(key)); found != held.end()) {
      shared.fd.reset(fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0));
    }
    for (const auto& entry : group.entries) {
      if (entry->socket != nullptr && entry->socket->url == url && entry->machine.pid != 0) shared.users.insert(entry->id);
    }
    if (shared.users.empty()) close(key);
  }
}

void FastCgi::remove(const GroupEntry& group) {
  for (const auto& [url, socket] : sockets_of(group)) {
    const Key key(group.config->name, url);
    close(key);
    sockets_.erase(key);
  }
}

void FastCgi::remove_files(const GroupEntry& group) {
  for (const auto& [url, socket] : sockets_of(group)) {
    if (socket->is_unix) files_.remove_socket(socket->path);
  }
}

Result<int> FastCgi::acquire(const Entry& entry) {
  if (entry.socket == nullptr) return -1;
  const Key key(entry.group->config->name, entry.socket->url);
  if (!sockets_[key].fd) {
    if (const auto created = create(key, *entry.socket); !created) return std::unexpected(created.error());
  }
  Shared& shared = sockets_[key];
  shared.users.insert(entry.id);
  return shared.fd.get();
}

void FastCgi::release(const Entry& entry) {
  if (entry.socket == nullptr) return;
  const Key key(entry.group->config->name, entry.socket->url);
  Shared& shared = sockets_[key];
  if (shared.users.erase(entry.id) > 0 && shared.users.empty()) close(key);
}

Result<> FastCgi::create(const Key& key, const config::FcgiSocket& socket) {
  log_(Level::info, "Creating socket {}", socket.url);
  auto fd = files_.listen(socket);
  if (!fd) return fail(fmt::format("Could not create FastCGI socket {}: {}", socket.url, fd.error().text), fd.error().code);
  children_.hold(held_name(key), fd->get());
  sockets_[key].fd = std::move(*fd);
  return {};
}

void FastCgi::close(const Key& key) {
  Shared& shared = sockets_[key];
  if (!shared.fd) return;
  log_(Level::info, "Closing socket {}", key.second);
  // The keeper lets go of its copy a moment later: until then a socket that still listens would have the address.
  ::shutdown(shared.fd.get(), SHUT_RDWR);
  children_.release(held_name(key));
  shared.fd.reset();
}

}  // namespace sup::engine
