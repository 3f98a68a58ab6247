// Bytes from a client as a Request. Beast does the parsing; around it stand the few liberties that Supervisor allows.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/server.h"

namespace sup::http {

// What the request line says, and so what the status line of the reply says.
enum class Version : unsigned char { none, v10, v11 };

[[nodiscard]] std::string_view version_text(Version version);  // "HTTP/1.1"; "HTTP/None" as Supervisor writes it

// One request, from its first byte to its last.
class RequestParser {
 public:
  enum class Progress : unsigned char {
    more,    // all usable bytes are consumed or useless without more
    header,  // told once: the header is complete
    done,    // the request is complete
    failed,
  };
  struct Step {
    std::size_t consumed = 0;
    Progress progress = Progress::more;
    int status =
        0;  // of a failure: the error to answer, or 0 to close without a word; also with a header that is refused
  };

  explicit RequestParser(const Limits& limits);
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  // `bytes` start where the last call's consumed bytes ended.
  [[nodiscard]] Step feed(std::string_view bytes);

  // Nothing but blank lines so far?
  [[nodiscard]] bool untouched() const;
  // Has all of the request been seen? Also of one that feed() refused.
  [[nodiscard]] bool complete() const;
  // Complete when feed() has said `header`, with its body when it has said `done`.
  [[nodiscard]] Request& request();
  [[nodiscard]] Version version() const;  // v11 until the request line is read
  // Does the client want to go on after the reply?
  [[nodiscard]] bool keep_alive() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sup::http
