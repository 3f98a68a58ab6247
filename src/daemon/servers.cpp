#include "daemon/servers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sup::daemon {
namespace {

constexpr const char* in_use_text =
    "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut this "
    "program down first before starting supervisord.";

constexpr std::string_view connection_prefix = "connection ";

Error explain(const http::ListenFailure& failure) {
  if (failure.in_use) return {EADDRINUSE, in_use_text};
  if (!failure.text.empty()) return {failure.code, failure.text};
  return {failure.code, fmt::format("Cannot open an HTTP server: socket.error reported errno.{} ({})",
                                    errno_name(failure.code), failure.code)};
}

std::string hold_name(const config::UnixServer& server) { return "listener unix:" + server.path; }
std::string hold_name(const config::InetServer& server) {
  return fmt::format("listener tcp:{}:{}", server.host, server.port);
}

// What Supervisor's HTTP server says of itself, only that no name is asked for at DNS.
std::string greeting(std::string_view address, std::string_view host, std::string_view port) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &local);
  return fmt::format("{}:Medusa (V1.12) started at {}\n\tHostname: {}\n\tPort:{}", address, text.data(), host, port);
}
std::string greeting(const config::UnixServer& server) {
  return greeting(server.path, "<unix domain socket>", server.path);
}
std::string greeting(const config::InetServer& server) {
  return greeting(server.host, server.host, std::to_string(server.port));
}

http::Limits limits_of(const config::ServerLimits& limits) {
  const auto size = [](long long value) { return static_cast<std::size_t>(value); };
  return {.header_bytes = size(limits.header_maxbytes),
          .body_bytes = size(limits.body_maxbytes),
          .pipeline_bytes = size(limits.pipeline_maxbytes),
          .memory_bytes = size(limits.memory_maxbytes),
          .connections = size(limits.max_connections),
          .nesting = static_cast<int>(limits.body_maxdepth),
          .idle_seconds = static_cast<int>(limits.idle_timeout),
          .request_seconds = static_cast<int>(limits.request_timeout),
          .reply_seconds = static_cast<int>(limits.reply_timeout)};
}

std::optional<std::vector<std::string>> hosts_of(const config::UnixServer&) { return std::nullopt; }
std::optional<std::vector<std::string>> hosts_of(const config::InetServer& server) { return server.allowed_hosts; }

}  // namespace

Servers::Servers(boost::asio::io_context& loop, http::Handler handler, keeper::Children& keeper, Log& log)
    : keeper_(keeper), log_(log), server_(std::make_unique<http::Server>(loop, std::move(handler), log)) {}

Servers::~Servers() {
  server_->close();
  for (const Address& address : open_) {
    keeper_.release(address.hold_name);
    if (complete_ && !address.unix_path.empty()) unlink(address.unix_path.c_str());
  }
}

Result<> Servers::open(const config::Config& config, std::map<std::string, UniqueFd>& held) {
  for (const config::InetServer& server : config.inet_servers) {
    if (auto done = open_one(server, {hold_name(server), {}}, config, held); !done) return done;
  }
  for (const config::UnixServer& server : config.unix_servers) {
    if (auto done = open_one(server, {hold_name(server), server.path}, config, held); !done) return done;
  }
  complete_ = true;
  adopt_connections(held);
  return {};
}

void Servers::park() {
  server_->park([this](const UniqueFd& connection, const std::string& label) {
    keeper_.hold(fmt::format("{}{} {}", connection_prefix, ++parked_, label), connection.get());
  });
}

void Servers::adopt_connections(std::map<std::string, UniqueFd>& held) {
  for (auto& [name, fd] : held) {
    if (!name.starts_with(connection_prefix)) continue;
    const auto label = name.find(' ', connection_prefix.size());
    // Before anything is read from it, since it would not be whole any more.
    keeper_.release(name);
    server_->adopt(std::move(fd), label == name.npos ? "" : name.substr(label + 1));
  }
}

template <class Server>
Result<> Servers::open_one(const Server& server, Address address, const config::Config& config,
                           std::map<std::string, UniqueFd>& held) {
  auto before = held.extract(address.hold_name);
  UniqueFd listener;
  if (!before.empty()) {
    listener = std::move(before.mapped());
  } else {
    auto opened = listen(server);
    if (!opened) return std::unexpected(opened.error());
    listener = std::move(*opened);
    keeper_.hold(address.hold_name, listener.get());
    log_(Level::trace, "{}", greeting(server));
    announce(server.section, server.credentials, config);
  }
  open_.push_back(std::move(address));
  http::Terms terms{{server.credentials.username, server.credentials.password}, limits_of(server.limits), hosts_of(server)};
  server_->serve(std::move(listener), std::move(terms), server.section);
  return {};
}

Result<UniqueFd> Servers::listen(const config::UnixServer& server) {
  bool unlinked = false;
  auto opened = http::listen_unix(server.path, server.mode, server.owner.uid, server.owner.gid, &unlinked);
  if (unlinked) std::fprintf(stderr, "Unlinking stale socket %s\n", server.path.c_str());
  if (!opened) return std::unexpected(explain(opened.error()));
  return std::move(*opened);
}

Result<UniqueFd> Servers::listen(const config::InetServer& server) {
  auto opened = http::listen_tcp(server.host, server.port);
  if (!opened) return std::unexpected(explain(opened.error()));
  return std::move(*opened);
}

void Servers::announce(const std::string& section, const config::Credentials& credentials,
                       const config::Config& config) {
  for (const config::RpcInterface& interface : config.rpc_interfaces) {
    log_(Level::info, "RPC interface '{}' initialized", interface.name);
  }
  if (credentials.username.empty()) {
    log_(Level::critical, "Server '{}' running without any HTTP authentication checking", section);
  }
}

}  // namespace sup::daemon
