#include "ctl/http_remote.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "base/unique_fd.h"
#include "ctl/url.h"
#include "rpc/xmlrpc.h"

namespace sup::ctl {
namespace {

constexpr int ok = 200;

// An error without an errno is about the name of a host, or about a conversation that went wrong.
std::unexpected<Failure> transport_failure(const Error& error) {
  if (error.code == ENAMETOOLONG) return failed("OSError", "AF_UNIX path too long");
  if (error.code > 0) return system_failure(error.code);
  for (const int code : {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_FAMILY, EAI_MEMORY}) {
    if (!error.text.ends_with(::gai_strerror(code))) continue;
    return failed("socket.gaierror", fmt::format("[Errno {}] {}", code, ::gai_strerror(code)));
  }
  if (error.text.starts_with("malformed response")) return failed("http.client.BadStatusLine", error.text);
  return failed("http.client.RemoteDisconnected", error.text);
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
  bool began = false;
  const auto note_begin = [&](std::string_view piece) {
    began = true;
    return sink(piece);
  };
  const auto reply = client->stream(path, note_begin, stop_fd);
  if (!reply && began) return {};  // a daemon that goes away ends the stream like one that closes it
  if (!reply) return transport_failure(reply.error());
  const bool ended_by_us = reply->status == 0;
  if (reply->status != ok && !ended_by_us) return bad_status(reply->status, reply->reason);
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
