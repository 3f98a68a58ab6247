#include "daemon/routes.h"

#include <sys/stat.h>

#include <utility>

#include "base/strings.h"
#include "daemon/log_follow.h"
#include "http/uri.h"
#include "rpc/xmlrpc.h"
#include "web/origin.h"

namespace sup::daemon {
namespace {

// The way back of an operation. One that forgets to answer must not leave the client waiting for ever.
class PendingReply {
 public:
  explicit PendingReply(std::shared_ptr<http::Exchange> exchange) : exchange_(std::move(exchange)) {}
  PendingReply(PendingReply&&) = default;
  PendingReply& operator=(PendingReply&&) = delete;
  ~PendingReply() {
    if (exchange_) exchange_->error(500);
  }

  void operator()(const api::Answer<api::Value>& answer) {
    std::exchange(exchange_, nullptr)->reply({200, {{"Content-Type", "text/xml"}}, rpc::write_reply(answer)});
  }

 private:
  std::shared_ptr<http::Exchange> exchange_;
};

std::string_view path_of(const http::Request& request) {
  return std::string_view(request.target).substr(0, request.target.find_first_of("?#;"));
}

bool readable(const std::string& path, struct stat& status) {
  return !path.empty() && stat(path.c_str(), &status) == 0;
}

}  // namespace

void Routes::handle(std::shared_ptr<http::Exchange> exchange) {
  const std::string_view path = path_of(exchange->request());
  if (path.starts_with("/RPC2")) return xmlrpc(std::move(exchange));
  if (path.starts_with("/logtail")) return logtail(std::move(exchange));
  if (path.starts_with("/mainlogtail")) return mainlogtail(std::move(exchange));
  pages_.handle(std::move(exchange));
}

void Routes::xmlrpc(std::shared_ptr<http::Exchange> exchange) {
  const http::Request& request = exchange->request();
  if (request.method != "POST") return exchange->error(400);
  if (const std::string reason = web::distrust(request); !reason.empty()) {
    log_(Level::warn, "refused an XML-RPC request: {}", reason);
    return exchange->error(403);
  }
  const auto call = rpc::parse_call(request.body);
  if (!call) {
    const std::string data = is_utf8(request.body) ? python_repr(request.body) : python_bytes_repr(request.body);
    log_(Level::error, "XML-RPC request data {} is invalid: {}", data, call.error().text);
    return exchange->error(400);
  }
  log_(Level::trace, "XML-RPC method called: {}()", call->method);
  operations_.call(call->method, call->params, PendingReply(std::move(exchange)));
}

void Routes::logtail(std::shared_ptr<http::Exchange> exchange) {
  const http::Request& request = exchange->request();
  if (request.method != "GET") return exchange->error(400);
  const auto parts = split(path_of(request), '/');  // "", "logtail", NAME, CHANNEL
  if (parts.size() < 3) return exchange->error(500);
  if (parts.size() > 4) return exchange->error(404);
  const std::string name = http::unquote(parts[2]);
  const std::string_view channel = parts.size() > 3 ? parts[3] : "stdout";
  const auto colon = name.find(':');
  const engine::GroupEntry* group = engine_.table().group(std::string_view(name).substr(0, colon));
  const engine::Entry* entry =
      group != nullptr ? group->find(colon == name.npos ? name : name.substr(colon + 1)) : nullptr;
  if (entry == nullptr || (channel != "stdout" && channel != "stderr")) return exchange->error(404);
  follow(std::move(exchange), channel == "stdout" ? entry->out_path : entry->err_path, true);
}

void Routes::mainlogtail(std::shared_ptr<http::Exchange> exchange) {
  if (exchange->request().method != "GET") return exchange->error(400);
  follow(std::move(exchange), main_log_path_(), false);
}

void Routes::follow(std::shared_ptr<http::Exchange> exchange, const std::string& path, bool unbuffered) {
  struct stat status {};
  if (!readable(path, status)) return exchange->error(404);
  http::Response head;
  head.headers.emplace_back("Last-Modified", http::format_date(status.st_mtime));
  head.headers.emplace_back("Content-Type", "text/plain;charset=utf-8");
  if (unbuffered) head.headers.emplace_back("X-Accel-Buffering", "no");
  follow_log(loop_, path, std::move(exchange), std::move(head));
}

}  // namespace sup::daemon
