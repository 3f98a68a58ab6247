#include "ctl/http_remote.h"

#include <sys/eventfd.h>

#include <thread>
#include <utility>

#include "base/unique_fd.h"
#include "ctl/url.h"
#include "rpc/xmlrpc.h"

namespace sup::ctl {
namespace {

constexpr int ok = 200;

// What the client says without an errno is either about the name of the host or about a conversation cut short.
std::unexpected<Failure> transport_failure(const Error& error) {
  if (error.code > 0) return system_failure(error.code);
  if (error.text.starts_with("[Errno ")) return failed("socket.gaierror", error.text);
  return failed("http.client.RemoteDisconnected", "Remote end closed connection without response");
}

Tried<http::Client> connect(const Server& server) {
  if (const auto checked = check_server(server.url); !checked) return std::unexpected(checked.error());
  auto client = http::Client::make(server.url);
  if (!client) return failed("ValueError", client.error().text);
  if (server.username && server.password) client->set_credentials(*server.username, *server.password);
  return std::move(*client);
}

Tried<> stream_from(const Server& server, const std::string& path, const Sink& sink, int stop_fd) {
  auto client = connect(server);
  if (!client) return std::unexpected(client.error());
  const auto reply = client->stream(path, sink, stop_fd);
  if (!reply) return transport_failure(reply.error());
  if (reply->status != ok) return bad_status(reply->status, reply->reason);
  return {};
}

class Thread final : public Following {
 public:
  Thread(Server server, std::string path, Sink sink, std::function<void(const Failure&)> report)
      : stop_(::eventfd(0, EFD_CLOEXEC)),
        thread_([this, server = std::move(server), path = std::move(path), sink = std::move(sink),
                 report = std::move(report)] {
          const auto end = stream_from(server, path, sink, stop_.get());
          if (!end) report(end.error());
        }) {}
  ~Thread() override {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace

void HttpRemote::use(const Server& server) {
  server_ = server;
  client_.reset();
}

Tried<api::Value> HttpRemote::call(const std::string& method, std::vector<api::Value> params) {
  if (!client_) {
    auto client = connect(server_);
    if (!client) return std::unexpected(client.error());
    client_ = std::move(*client);
  }
  auto reply = client_->post("/RPC2", "text/xml", rpc::write_call({method, std::move(params)}));
  if (!reply) {
    client_.reset();
    return transport_failure(reply.error());
  }
  if (reply->status != ok) {
    client_.reset();
    return bad_status(reply->status, std::move(reply->reason));
  }
  auto answer = rpc::parse_reply(reply->body);
  if (!answer) return failed("xmlrpc.client.ResponseError", "ResponseError()");
  if (!*answer) return refused(answer->error());
  return std::move(**answer);
}

Tried<> HttpRemote::stream(const std::string& path, const Sink& sink, int stop_fd) {
  return stream_from(server_, path, sink, stop_fd);
}

std::unique_ptr<Following> HttpRemote::follow(std::string path, Sink sink, std::function<void(const Failure&)> report) {
  return std::make_unique<Thread>(server_, std::move(path), std::move(sink), std::move(report));
}

}  // namespace sup::ctl
