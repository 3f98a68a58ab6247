// The HTTP server: listening sockets, connections, limits and authentication. What is served is somebody else's.
//
// Behaves on the wire as Supervisor's does (docs/compatibility.md, "HTTP"): header order, keep-alive rules, error
// bodies. Runs on one Asio loop, on the thread that runs it. Clients take turns (turns.h): whatever one of them does, the
// next one is served after a moment, and everything else on the loop is not held up for longer.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace boost::asio {
class io_context;
}

namespace sup::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // as sent
  std::string target;  // as sent, with query
  Headers headers;     // names as sent; look up with header()
  std::string body;
  bool own_name = true;    // Host is a name of ours, as Terms::hosts has it
  int nesting_limit = 100;  // of Limits
  std::uint64_t client = 0;  // the same for all connections of one client
  [[nodiscard]] std::string_view header(std::string_view name) const;  // without case; empty when absent
};

struct Response {
  int status = 200;
  Headers headers;  // behind Server and Date; Content-Length is added for you
  std::string body;
  std::shared_ptr<const std::string> shared_body = {};  // sent instead, when it is there: many replies may have one
};

// One request's way back. Exactly one of reply() and begin() is called, now or later, on the loop's thread. The client
// may be gone by then; the calls are harmless.
class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual const Request& request() const = 0;
  virtual void reply(Response response) = 0;
  // Supervisor's error page for that status.
  virtual void error(int status) = 0;
  // A body of unknown length, in chunks (HTTP/1.1) or until the connection closes (HTTP/1.0).
  virtual void begin(Response head) = 0;
  virtual void chunk(std::string_view bytes) = 0;
  virtual void end() = 0;
  // Bytes handed to chunk() that the client has not taken yet: pause when it grows.
  [[nodiscard]] virtual std::size_t backlog() const = 0;
  // Called once, later, when the backlog is 0 and others have had their turn; never if the client goes before.
  virtual void when_taken(std::function<void()> callback) = 0;
  // Called once when the client is gone before the end.
  virtual void on_gone(std::function<void()> callback) = 0;
};

using Handler = std::function<void(std::shared_ptr<Exchange>)>;

struct Credentials {
  std::string username = {};  // empty: everybody may
  std::string password = {};  // plain or {SHA}hex
};

// Of one listening socket.
struct Limits {
  std::size_t header_bytes = 64 * 1024;
  std::size_t body_bytes = 16 * 1024 * 1024;
  std::size_t pipeline_bytes = 256 * 1024;        // of replies that wait for a client, before more of its requests are read
  std::size_t memory_bytes = 256 * 1024 * 1024;  // of requests and replies of all clients together
  std::size_t connections = 4096;
  int nesting = 100;         // of values in a request; for who reads its body
  int idle_seconds = 1800;   // between requests
  int request_seconds = 60;  // from the first byte of a request to its last
  int reply_seconds = 60;    // in which a client takes nothing of its reply
};

// How a listening socket is served.
struct Terms {
  Credentials credentials = {};
  Limits limits = {};
  // The names that Host may have besides addresses and localhost; "*" is any. Requests under other names are refused
  // with 403. Without a value all are served, and Request::own_name tells whether a page that was loaded under another
  // name may have made it: only on a loopback address without a password can that be said.
  std::optional<std::vector<std::string>> hosts = {};
};

class Server {
 public:
  Server(boost::asio::io_context& loop, Handler handler, Log& log);
  ~Server();
  // Serves a bound, listening socket (unix or TCP). `label` is for messages.
  void serve(UniqueFd listener, Terms terms, std::string label);
  // Stop accepting; close idle connections, and the others after their reply.
  void close();

  // For a successor in another process: stop accepting, cut streams, and hand over each connection at the first moment
  // at which nothing is in flight on it, with the label of its listener. What a client sends from then on waits in the
  // socket.
  using Parking = std::function<void(const UniqueFd& connection, const std::string& label)>;
  void park(Parking keep);
  [[nodiscard]] std::size_t connections() const;  // that are open here
  // Goes on with a connection that was parked. One whose label serve() was never told is closed.
  void adopt(UniqueFd connection, const std::string& label);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// ---- making the sockets, with Supervisor's rules

// How a listening socket could not be had.
struct ListenFailure {
  bool in_use = false;  // somebody answers there
  int code = 0;         // errno
  std::string text;     // the sentence for the log
};

// A unix socket appears at `path` only when it is ready: bound under a temporary name, then linked. A stale one is
// removed, which `unlinked` tells.
[[nodiscard]] std::expected<UniqueFd, ListenFailure> listen_unix(const std::string& path, std::uint32_t mode,
                                                                 std::int64_t uid, std::int64_t gid, bool* unlinked);
[[nodiscard]] std::expected<UniqueFd, ListenFailure> listen_tcp(const std::string& host, std::uint16_t port);

}  // namespace sup::http
