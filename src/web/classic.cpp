#include "web/classic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <memory>
#include <utility>

#include "base/strings.h"
#include "http/format.h"
#include "http/uri.h"
#include "web/files.h"
#include "web/origin.h"
#include "web/pages.h"

namespace sup::web {
namespace {

constexpr std::size_t largest_form = 64 * 1024;
constexpr std::size_t quickly_shown = 50;  // processes
constexpr long long least_limit = 1024;
constexpr long long greatest_limit = 1024 * 1024;  // whoever wants more of a log has readProcessStdoutLog

struct Target {
  std::string path;  // unescaped, without leading slashes
  std::string_view query;
};

Target parse_target(std::string_view target) {
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  std::string path = http::unquote(target.substr(0, std::min(target.find(';'), question)));
  path.erase(0, path.find_first_not_of('/'));
  return {std::move(path), question == target.npos ? std::string_view() : target.substr(question + 1)};
}

void reply_page(http::Exchange& exchange, std::string page) {
  exchange.reply({200,
                  {{"Content-Type", "text/html;charset=utf-8"},
                   {"Pragma", "no-cache"},
                   {"Cache-Control", "no-cache"},
                   {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"}},
                  std::move(page)});
}

// To the status page, which shows the message.
void redirect(http::Exchange& exchange, const std::string& message) {
  exchange.reply({303,
                  {{"Location", own_url(exchange.request()) + "/?message=" + quote(message)},
                   {"Content-Type", "text/html"},
                   {"Pragma", "no-cache"},
                   {"Cache-Control", "no-store"},
                   {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"}},
                  http::error_page(303).body});
}

int year_of(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  return local.tm_year + 1900;
}

// Digits; anything else counts as the least, and a number too great as the greatest.
long long parse_limit(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return least_limit;
  return std::clamp(to_int(text).value_or(greatest_limit), least_limit, greatest_limit);
}

std::string log_or_reason(const std::string& process, const api::Answer<api::Value>& answer) {
  if (answer) return answer->string() != nullptr ? *answer->string() : std::string();
  const api::Fault& fault = answer.error();
  if (fault.code == api::FaultCode::no_file) return "No file for " + process;
  return fmt::format("ERROR: unexpected rpc fault [{}] {}", static_cast<int>(fault.code), fault.text);
}

}  // namespace

void Classic::handle(std::shared_ptr<http::Exchange> exchange) {
  const http::Request& request = exchange->request();
  const Target target = parse_target(request.target);
  if (request.method == "GET" || request.method == "POST") {
    const bool is_status = target.path.empty() || target.path == "index.html";
    const bool is_tail = target.path == "tail.html";
    if (target.path == "ok.html") return exchange->reply({200, {{"Content-Type", "text/plain"}}, "OK"});
    if ((is_status || is_tail) && request.body.size() > largest_form) return exchange->error(413);
    if (is_status || is_tail) {
      const Form form = parse_form(target.query, request.method == "POST" ? request.body : std::string_view());
      if (is_tail) return tail(std::move(exchange), form);
      return form.action.empty() ? status(std::move(exchange), form) : act(std::move(exchange), form);
    }
  }
  exchange->reply(serve_file(request, target.path));
}

void Classic::status(std::shared_ptr<http::Exchange> exchange, const Form& form) {
  const WallTime now = subject_.clock.now().wall;
  auto rows = rows_of(subject_.table, now);
  api::Errands* errands = subject_.operations.errands();
  if (rows.size() <= quickly_shown || errands == nullptr) {
    return reply_page(*exchange, status_page(rows, form.message, year_of(now)));
  }
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->on_gone([gone] { *gone = true; });
  const auto page = std::make_shared<std::string>();
  errands->run({.client = exchange->request().client, .gone = gone},
               [gone, page, rows = std::move(rows), message = form.message, year = year_of(now)]() mutable {
                 if (!*gone) *page = status_page(rows, message, year);
                 rows = {};
               },
               [page, exchange] { reply_page(*exchange, std::move(*page)); });
}

void Classic::act(std::shared_ptr<http::Exchange> exchange, const Form& form) {
  if (is_change(form.action)) {
    if (const std::string reason = distrust(exchange->request()); !reason.empty()) {
      log_(Level::warn, "refused the web page's '{}': {}", form.action, reason);
      return exchange->error(403);
    }
  }
  const bool known = perform(subject_, form.action, form.processname,
                             [exchange](const std::string& message) { redirect(*exchange, message); });
  if (!known) exchange->error(500);
}

void Classic::tail(std::shared_ptr<http::Exchange> exchange, const Form& form) {
  const long long limit = parse_limit(form.limit);
  const std::string& process = form.processname;
  if (process.empty()) return reply_page(*exchange, tail_page({}, "No process name found", limit));
  const std::array<api::Value, 3> args{process, std::int64_t{-limit}, 0};
  subject_.operations.call("supervisor.readProcessStdoutLog", args,
                           [exchange = std::move(exchange), process, limit](const api::Answer<api::Value>& answer) {
                             reply_page(*exchange, tail_page(process, log_or_reason(process, answer), limit));
                           });
}

}  // namespace sup::web
