#include "daemon/routes.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "daemon/log_follow.h"
#include "http/uri.h"
#include "rpc/xmlrpc.h"
#include "web/origin.h"

namespace sup::daemon {
namespace {

constexpr std::size_t quickly_done = 64 * 1024;  // bytes that are parsed or written in a fraction of a millisecond
constexpr std::size_t largest_quote = 1000;      // of a request in the log

// Counts `left` down by the bytes of the text of a value, and by some for each value; false when it is used up.
bool fits(const api::Value& value, std::size_t& left) {
  constexpr std::size_t for_tags = 48;
  const std::string* text = value.string();
  const std::size_t size = for_tags + (text != nullptr ? text->size() : 0);
  if (size > left) return false;
  left -= size;
  const auto fits_too = [&left](const api::Value& item) { return fits(item, left); };
  if (const api::Array* items = value.array()) return std::ranges::all_of(*items, fits_too);
  if (const api::Struct* members = value.structure())
    return std::ranges::all_of(*members, fits_too, &api::Member::second);
  return true;
}

// Another thread may write what is nothing but data. A stream tells of things that change, and is quick.
bool takes_long(const api::Answer<api::Value>& answer) {
  std::size_t left = quickly_done;
  return answer ? !fits(*answer, left) : answer.error().text.size() > left;
}

// The way back of an operation. One that forgets to answer must not leave the client waiting for ever.
class PendingReply {
 public:
  PendingReply(std::shared_ptr<http::Exchange> exchange, api::Errands& errands, api::Caller caller,
               std::shared_ptr<Routes::Shared> shared, Log& log, std::string method)
      : exchange_(std::move(exchange)),
        errands_(&errands),
        caller_(std::move(caller)),
        shared_(std::move(shared)),
        log_(&log),
        method_(std::move(method)) {}
  PendingReply(PendingReply&&) = default;
  PendingReply& operator=(PendingReply&&) = delete;
  ~PendingReply() {
    if (exchange_) exchange_->error(500);
  }

  void operator()(api::Answer<api::Value> answer) {
    auto exchange = std::exchange(exchange_, nullptr);
    if (!method_.empty()) trace(answer);
    if (answer && answer->stream() != nullptr && !answer->stream()->edition.empty()) {
      return send_shared(*exchange, answer);
    }
    if (!takes_long(answer)) return send(*exchange, rpc::write_reply(answer));
    auto text = std::make_shared<std::string>();
    const api::Caller caller = caller_;
    errands_->finish(
        caller,
        // Frees the arguments and the answer as well, which takes its time too.
        [text, caller = std::move(caller_), answer = std::move(answer)]() mutable {
          if (!caller.is_gone()) *text = rpc::write_reply(answer);
          answer = api::Value();
          caller.keeps_arguments = nullptr;
        },
        [text, exchange = std::move(exchange)] { send(*exchange, std::move(*text)); });
  }

 private:
  void trace(const api::Answer<api::Value>& answer) {
    if (answer) return (*log_)(Level::trace, "XML-RPC method {}() returned successfully", method_);
    const api::Fault& fault = answer.error();
    const int code = std::to_underlying(fault.code);
    (*log_)(Level::trace, "XML-RPC method {}() returned fault: [{}] {}", method_, code, fault.text);
  }
  static void send(http::Exchange& exchange, std::string text) {
    exchange.reply({200, {{"Content-Type", "text/xml"}}, std::move(text)});
  }
  void send_shared(http::Exchange& exchange, const api::Answer<api::Value>& answer) {
    const std::string& edition = answer->stream()->edition;
    auto text = shared_->edition == edition ? shared_->text.lock() : nullptr;
    if (!text) {
      text = std::make_shared<const std::string>(rpc::write_reply(answer));
      *shared_ = {edition, text};
    }
    exchange.reply({200, {{"Content-Type", "text/xml"}}, {}, std::move(text)});
  }

  std::shared_ptr<http::Exchange> exchange_;
  api::Errands* errands_;
  api::Caller caller_;
  std::shared_ptr<Routes::Shared> shared_;
  Log* log_;
  std::string method_;  // empty when nobody wants to hear of it
};

// The beginning of a request as Python shows it.
std::string quote(std::string_view body) {
  std::string_view shown = body.substr(0, largest_quote);
  if (shown.size() < body.size()) {
    while (!shown.empty() && (shown.back() & 0xC0) == 0x80) shown.remove_suffix(1);
    if (!shown.empty() && (shown.back() & 0x80) != 0) shown.remove_suffix(1);
  }
  const std::string text = is_utf8(shown) ? python_repr(shown) : python_bytes_repr(shown);
  return shown.size() < body.size() ? fmt::format("{}... of {} bytes", text, body.size()) : text;
}

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
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->on_gone([gone] { *gone = true; });
  api::Caller caller{.client = request.client, .gone = gone};
  if (request.body.size() <= quickly_done) {
    auto parsed = rpc::parse_call(request.body, request.nesting_limit);
    return call(std::move(exchange), std::move(caller), std::move(parsed));
  }
  const auto parsed = std::make_shared<std::optional<Result<rpc::Call>>>();
  errands_.run(
      caller,
      [parsed, gone, &request] {
        if (!*gone) *parsed = rpc::parse_call(request.body, request.nesting_limit);
      },
      [this, parsed, caller, exchange = std::move(exchange)]() mutable {
        if (*parsed) call(std::move(exchange), std::move(caller), std::move(**parsed));
      });
}

void Routes::call(std::shared_ptr<http::Exchange> exchange, api::Caller caller, Result<rpc::Call> call) {
  const http::Request& request = exchange->request();
  if (!call) {
    log_(Level::error, "XML-RPC request data {} is invalid: {}", quote(request.body), call.error().text);
    return exchange->error(400);
  }
  std::string traced;
  if (log_.wants(Level::trace)) traced = call->method.substr(0, largest_quote);
  if (!traced.empty()) log_(Level::trace, "XML-RPC method called: {}()", traced);
  const auto params = std::make_shared<const std::vector<api::Value>>(std::move(call->params));
  if (request.body.size() > quickly_done) caller.keeps_arguments = params;
  api::Reply reply(PendingReply(std::move(exchange), errands_, caller, shared_, log_, std::move(traced)));
  reply.caller = std::move(caller);
  operations_.call(call->method, *params, std::move(reply));
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
