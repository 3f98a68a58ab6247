#include "http/client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/base64.h"
#include "base/strings.h"
#include "base/unique_fd.h"

namespace sup::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;
using DataSink = std::function<bool(std::string_view)>;

std::string_view plain(string_view text) {
  return {text.data(), text.size()};
}

// One reply. Bodies of 200 go to the sink, if there is one, else into the Reply.
class ReplyParser final : public beast_http::basic_parser<false> {
 public:
  static constexpr std::uint64_t believable = 64UL * 1024 * 1024;  // of a length that a header announces

  explicit ReplyParser(const DataSink* sink) : sink_(sink) {
    header_limit(1 << 20);
    body_limit(boost::none);
    eager(true);
  }
  Reply reply;
  bool stopped = false;  // the sink wants no more

 private:
  std::size_t take(string_view bytes) {
    if (sink_ == nullptr || reply.status != 200) {
      reply.body.append(bytes.data(), bytes.size());
    } else if (!stopped && !(*sink_)(plain(bytes))) {
      stopped = true;
    }
    return bytes.size();
  }
  void on_request_impl(beast_http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view reason, int, error_code&) override {
    reply.status = code;
    reply.reason = plain(reason);
  }
  void on_field_impl(beast_http::field, string_view name, string_view value, error_code&) override {
    reply.headers.emplace_back(plain(name), plain(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (sink_ == nullptr && length) reply.body.reserve(std::min<std::uint64_t>(*length, believable));
  }
  std::size_t on_body_impl(string_view bytes, error_code&) override { return take(bytes); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override { return take(bytes); }
  void on_finish_impl(error_code&) override {}

  const DataSink* sink_;
};

Result<UniqueFd> connect_to(const sockaddr* address, socklen_t length, std::string_view subject) {
  UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(system_error("socket", subject, errno));
  if (::connect(fd.get(), address, length) == 0) return fd;
  int code = errno;
  if (code == EINTR) {  // goes on in the background
    pollfd wait{fd.get(), POLLOUT, 0};
    while (::poll(&wait, 1, -1) < 0 && errno == EINTR)
      continue;
    socklen_t size = sizeof code;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code == 0) return fd;
  }
  return std::unexpected(system_error("connect", subject, code));
}

Result<UniqueFd> connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty()) return std::unexpected(system_error("connect", path, EINVAL));
  if (path.size() >= sizeof address.sun_path) return std::unexpected(system_error("connect", path, ENAMETOOLONG));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, path);
}

Result<UniqueFd> connect_tcp(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;  // asks no resolver
  addrinfo* list = nullptr;
  int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (code != 0) {
    hints.ai_flags = AI_NUMERICSERV;
    code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  }
  if (code != 0) return fail(fmt::format("{}: {}", host, ::gai_strerror(code)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  Result<UniqueFd> fd = fail(host);
  for (const addrinfo* at = list; at != nullptr && !fd; at = at->ai_next)
    fd = connect_to(at->ai_addr, at->ai_addrlen, host + ":" + port);
  const int on = 1;
  if (fd) ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Result<void> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      Error error = system_error("send", "", errno);
      error.code = 0;
      return std::unexpected(std::move(error));
    }
  }
  return {};
}

// Waits for bytes; false when `stop_fd` is readable first.
bool wait_for_bytes(int fd, int stop_fd) {
  std::array<pollfd, 2> wait{{{fd, POLLIN, 0}, {stop_fd, POLLIN, 0}}};
  while (::poll(wait.data(), wait.size(), -1) < 0)
    if (errno != EINTR) return true;
  return wait[1].revents == 0;
}

// The other side has hung up, or speaks unasked.
bool is_stale(int fd) {
  pollfd check{fd, POLLIN, 0};
  return ::poll(&check, 1, 0) != 0;
}

// Reads until the parser has its reply, the sink wants no more or stop_fd says so.
Result<void> read_reply(int fd, ReplyParser& parser, int stop_fd) {
  std::string pending;  // bytes the parser wants to see again
  std::string buffer(64 * 1024, '\0');
  while (!parser.is_done() && !parser.stopped) {
    if (stop_fd >= 0 && !wait_for_bytes(fd, stop_fd)) {
      parser.stopped = true;
      return {};
    }
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("recv", "", errno).text);
    error_code error;
    if (count == 0) {
      if (!parser.got_some()) return fail("Remote end closed connection without response");
      parser.put_eof(error);
      if (error) return fail("Remote end closed connection within its response");
      return {};
    }
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    if (!pending.empty()) bytes = pending.append(bytes);
    const std::size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error && error != beast_http::error::need_more) return fail("malformed response: " + error.message());
    pending = std::string(bytes.substr(used));
  }
  return {};
}

}  // namespace

struct Client::Impl {
  std::string host;  // of the Host header
  std::string port;  // empty: `path` is a unix socket
  std::string path;
  std::string host_header;
  std::string authorization;  // a whole header line
  UniqueFd connection;

  [[nodiscard]] Result<UniqueFd> connect() const { return port.empty() ? connect_unix(path) : connect_tcp(host, port); }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::make(const std::string& url) {
  constexpr std::string_view http = "http://", unix_scheme = "unix://";
  auto impl = std::make_unique<Impl>();
  if (url.starts_with(unix_scheme)) {
    impl->path = url.substr(unix_scheme.size());
    impl->host_header = "localhost";
    return Client(std::move(impl));
  }
  if (!url.starts_with(http)) return fail("Unknown protocol for serverurl " + url);
  std::string_view place = std::string_view(url).substr(http.size());
  place = place.substr(0, place.find_first_of("/?#"));
  if (const auto at = place.rfind('@'); at != std::string_view::npos) place.remove_prefix(at + 1);
  impl->host_header = place;
  std::string_view port = "80";
  if (place.starts_with('[')) {
    const std::size_t end = place.find(']');
    if (end == std::string_view::npos) return fail("malformed address in serverurl " + url);
    impl->host = place.substr(1, end - 1);
    if (place.substr(end + 1).starts_with(':')) port = place.substr(end + 2);
  } else {
    const std::size_t colon = place.find(':');
    impl->host = place.substr(0, colon);
    if (colon != std::string_view::npos && colon + 1 < place.size()) port = place.substr(colon + 1);
  }
  const auto number = to_int(port);
  if (!number || *number < 0 || *number > 65535) return fail("malformed port in serverurl " + url);
  impl->port = std::to_string(*number);
  return Client(std::move(impl));
}

void Client::set_credentials(std::string username, std::string password) {
  impl_->authorization = "Authorization: Basic " + base64_encode(username + ":" + password) + "\r\n";
}

Result<Reply> Client::post(std::string_view target, std::string_view content_type, std::string_view body) {
  if (impl_->connection && is_stale(impl_->connection.get())) impl_->connection.reset();
  if (!impl_->connection) {
    auto fd = impl_->connect();
    if (!fd) return std::unexpected(std::move(fd.error()));
    impl_->connection = std::move(*fd);
  }
  const std::string request = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\nUser-Agent: Python-xmlrpc/3.11\r\n"
      "Content-Type: {}\r\nAccept: {}\r\n{}Content-Length: {}\r\n\r\n{}",
      target, impl_->host_header, content_type, content_type, impl_->authorization, body.size(), body);
  ReplyParser parser(nullptr);
  auto done = send_all(impl_->connection.get(), request);
  if (done) done = read_reply(impl_->connection.get(), parser, -1);
  if (!done) {
    impl_->connection.reset();
    return std::unexpected(std::move(done.error()));
  }
  if (parser.reply.status != 200 || !parser.keep_alive()) impl_->connection.reset();
  return std::move(parser.reply);
}

Result<Reply> Client::stream(std::string_view target, const DataSink& on_data, int stop_fd) {
  // A connection of its own: it cannot be used for anything else before its end.
  const auto fd = impl_->connect();
  if (!fd) return std::unexpected(fd.error());
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: chunked\r\nAccept: */*\r\nUser-agent: Supervisor HTTP Client\r\n"
      "{}\r\n",
      target, impl_->host_header, impl_->authorization);
  ReplyParser parser(&on_data);
  auto done = send_all(fd->get(), request);
  if (done) done = read_reply(fd->get(), parser, stop_fd);
  if (!done) return std::unexpected(std::move(done.error()));
  return std::move(parser.reply);
}

}  // namespace sup::http
