// What browsers send to the web pages: fields of addresses and forms, and the headers that tell their origin. The first
// line is the query, the second the body, the others are headers.
#include <algorithm>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "http/uri.h"
#include "web/form.h"
#include "web/origin.h"

namespace sup::fuzz {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
  return line;
}

void check_form(std::string_view query, std::string_view body) {
  const web::Form form = web::parse_form(query, body);
  std::string written;
  for (const auto& [name, value] : {std::pair("processname", form.processname), std::pair("action", form.action),
                                    std::pair("message", form.message), std::pair("limit", form.limit)}) {
    require(xml_safe_prefix(value) == value.size(), "a field fits into a page");
    require(value.size() <= 3 * std::max(query.size(), body.size()), "a field has a largest size");
    require(http::unquote(web::quote(value)) == value, "quoted text comes back");
    if (!written.empty()) written += '&';
    written += std::string(name) + "=" + web::quote(value);
  }
  for (const web::Form& again : {web::parse_form(written, {}), web::parse_form({}, written)}) {
    require(again.processname == form.processname && again.action == form.action && again.message == form.message &&
                again.limit == form.limit,
            "a form stays as it is");
  }
}

void check_origin(const http::Request& request) {
  for (const char c : web::own_url(request))
    require(c > ' ' && c < 0x7F && c != '"' && c != '<' && c != '>' && c != '&', "our address fits into a page");
  (void)web::distrust(request);
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  std::string_view text = text_of(data, size);
  const std::string_view query = take_line(text);
  check_form(query, take_line(text));
  sup::http::Request request;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto colon = line.find(':');
    if (colon != line.npos) request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  check_origin(request);
  request.headers.emplace_back("Host", "box:9001");
  request.headers.emplace_back("Origin", "http://elsewhere");
  if (request.header("Origin") == "http://elsewhere" && request.header("Sec-Fetch-Site").empty() &&
      request.header("X-Forwarded-Host").empty() && request.header("Host") == "box:9001") {
    require(!sup::web::distrust(request).empty(), "another site may change nothing");
  }
  return 0;
}
