// The head of a reply and the pages of errors, byte for byte as Supervisor writes them.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http/request_parser.h"
#include "http/server.h"

namespace sup::http {

// "Not Found"; "Unknown" for a number that is no status of ours.
[[nodiscard]] std::string_view reason(int status);

// Supervisor's page for an error, with its Content-Length and Content-Type.
[[nodiscard]] Response error_page(int status);

// The Date header's value, made anew when the second changes.
class DateCache {
 public:
  [[nodiscard]] std::string_view now();

 private:
  std::time_t second_ = -1;
  std::string text_;
};

// What a reply's last headers say about its body and the connection.
struct Framing {
  bool length = false;  // Content-Length: `body_size`, unless the response has its own
  bool chunked = false;
  bool keep_alive_header = false;
  std::size_t body_size = 0;
};

// Status line, Server, Date, the response's headers, those of the framing, and the empty line. Line breaks within a
// header become spaces.
void append_head(std::string& out, Version version, const Response& response, const Framing& framing,
                 std::string_view date);

}  // namespace sup::http
