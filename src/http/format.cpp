#include "http/format.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <iterator>

#include "http/uri.h"

namespace sup::http {
namespace {

void append_clean(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out.append(text);
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(start);
  std::replace_if(
      begin, out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_clean(out, name);
  out += ": ";
  append_clean(out, value);
  out += "\r\n";
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Moved Temporarily";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Time-out";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version not supported";
    default:
      return "Unknown";
  }
}

Response error_page(int status) {
  std::string body = fmt::format(
      "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n"
      "<p>Error code {}.\r\n<p>Message: {}.\r\n</body>\r\n",
      status, reason(status));
  Headers headers{{"Content-Length", std::to_string(body.size())}, {"Content-Type", "text/html"}};
  return {status, std::move(headers), std::move(body)};
}

std::string_view DateCache::now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec != second_) {
    second_ = time.tv_sec;
    text_ = format_date(second_);
  }
  return text_;
}

void append_head(std::string& out, Version version, const Response& response, const Framing& framing,
                 std::string_view date) {
  out.append(version_text(version));
  fmt::format_to(std::back_inserter(out), " {} ", response.status);
  out.append(reason(response.status)).append("\r\nServer: Medusa/1.12\r\nDate: ").append(date).append("\r\n");
  bool has_length = false;
  for (const auto& [name, value] : response.headers) {
    append_header(out, name, value);
    has_length = has_length || same_name(name, "Content-Length");
  }
  if (framing.length && !has_length)
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", framing.body_size);
  if (framing.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing.keep_alive_header) out += "Connection: Keep-Alive\r\n";
  out += "\r\n";
}

}  // namespace sup::http
