#include "http/request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <string>

namespace sup::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr std::size_t reserved_body = 1 << 20;  // at most, before a byte of it has come

std::string_view plain(string_view text) {
  return {text.data(), text.size()};
}

class BeastParser final : public beast_http::basic_parser<true> {
 public:
  explicit BeastParser(const Limits& limits) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    body_limit(limits.body_bytes);
  }
  Request request;

 private:
  void on_request_impl(beast_http::verb, string_view method, string_view target, int, error_code&) override {
    request.method = plain(method);
    request.target = plain(target);
    request.headers.reserve(8);
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(beast_http::field, string_view name, string_view value, error_code&) override {
    request.headers.emplace_back(plain(name), plain(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) length_ = static_cast<std::size_t>(*length);
    request.body.reserve(std::min(length_, reserved_body));
  }
  std::size_t on_body_impl(string_view bytes, error_code&) override {
    // Once, and not again and again with all that is there.
    if (request.body.size() + bytes.size() > request.body.capacity()) request.body.reserve(length_);
    request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code&) override { return bytes.size(); }
  void on_finish_impl(error_code&) override {}

  std::size_t length_ = 0;  // of the body, as the header has it
};

// What the reply to a request that Beast refuses says. A Content-Length that is no number is a 500 because it is one
// from Supervisor.
int status_of(error_code code) {
  using beast_http::error;
  if (code == error::header_limit) return 431;
  if (code == error::body_limit) return 413;
  if (code == error::bad_content_length) return 500;
  if (code == error::bad_transfer_encoding) return 501;
  return 400;
}

struct RequestLine {
  bool has_version = false;
  std::string_view version;  // "1.1"
};

// METHOD SP TARGET [SP HTTP/VERSION]; nothing when the line is something else.
std::optional<RequestLine> crack(std::string_view line) {
  const std::size_t first = line.find(' ');
  if (first == 0 || first == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(first + 1);
  const std::size_t second = rest.find(' ');
  if (second == 0 || rest.empty()) return std::nullopt;
  if (second == std::string_view::npos) return RequestLine{};
  rest.remove_prefix(second + 1);
  if (!rest.starts_with("HTTP/")) return std::nullopt;
  rest.remove_prefix(5);
  if (rest.empty() || rest.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  return RequestLine{true, rest};
}

}  // namespace

std::string_view version_text(Version version) {
  switch (version) {
    case Version::none:
      return "HTTP/None";
    case Version::v10:
      return "HTTP/1.0";
    case Version::v11:
      return "HTTP/1.1";
  }
  return {};
}

struct RequestParser::Impl {
  explicit Impl(const Limits& limits) : header_limit(limits.header_bytes), beast(limits) {}

  Step fail(int status) { return {0, Progress::failed, status}; }

  // Looks at the request line, as soon as it is whole, before Beast does.
  Step read_line(std::string_view bytes);
  Step read_old_header(std::string_view bytes);
  Step read_header(std::string_view bytes);
  Step read_body(std::string_view bytes);

  std::size_t header_limit;
  std::size_t header_bytes = 0;
  bool line_known = false;
  bool header_told = false;
  Version version = Version::v11;
  BeastParser beast;
};

RequestParser::Step RequestParser::Impl::read_line(std::string_view bytes) {
  Step step;
  int blank_lines = 0;
  while (bytes.starts_with("\r\n")) {
    bytes.remove_prefix(2);
    step.consumed += 2;
    if (++blank_lines == 2) return fail(0);  // an empty header
  }
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return bytes.size() < header_limit ? step : fail(431);
  std::string_view line = bytes.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto cracked = crack(line);
  if (!cracked) return fail(0);
  if (!cracked->has_version) {
    version = Version::none;
  } else if (cracked->version == "1.0") {
    version = Version::v10;
  } else if (cracked->version != "1.1") {
    return fail(505);
  }
  line_known = true;
  return step;
}

// Beast knows no request without a version: it gets the header with one.
RequestParser::Step RequestParser::Impl::read_old_header(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return bytes.size() < header_limit ? Step{} : fail(431);
  if (end + 4 > header_limit) return fail(431);
  std::string header(bytes.substr(0, end + 4));
  header.insert(header.find('\r'), " HTTP/1.0");
  error_code error;
  beast.put(boost::asio::const_buffer(header.data(), header.size()), error);
  if (error) return fail(status_of(error));
  return {end + 4, Progress::more, 0};
}

RequestParser::Step RequestParser::Impl::read_header(std::string_view bytes) {
  Step step;
  if (!line_known) {
    step = read_line(bytes);
    if (!line_known) return step;
    bytes.remove_prefix(step.consumed);
  }
  if (version == Version::none) {
    const Step old = read_old_header(bytes);
    if (old.progress == Progress::failed) return old;
    step.consumed += old.consumed;
  } else {
    error_code error;
    const std::size_t used = beast.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error && error != beast_http::error::need_more) return fail(status_of(error));
    step.consumed += used;
    header_bytes += used;
    if (header_bytes > header_limit) return fail(431);
  }
  if (!beast.is_header_done()) return step;
  header_told = true;
  step.progress = Progress::header;
  // Chunked bodies are refused like unknown lengths.
  if (beast.chunked() || (beast.request.method == "POST" && !beast.content_length())) step.status = 411;
  return step;
}

RequestParser::Step RequestParser::Impl::read_body(std::string_view bytes) {
  if (beast.is_done()) return {0, Progress::done, 0};
  if (bytes.empty()) return {};
  error_code error;
  const std::size_t used = beast.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error && error != beast_http::error::need_more) return fail(status_of(error));
  return {used, beast.is_done() ? Progress::done : Progress::more, 0};
}

RequestParser::RequestParser(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

RequestParser::Step RequestParser::feed(std::string_view bytes) {
  return impl_->header_told ? impl_->read_body(bytes) : impl_->read_header(bytes);
}

bool RequestParser::complete() const {
  return impl_->beast.is_done();
}
bool RequestParser::untouched() const {
  return !impl_->line_known;
}
Request& RequestParser::request() {
  return impl_->beast.request;
}
Version RequestParser::version() const {
  return impl_->version;
}
bool RequestParser::keep_alive() const {
  return impl_->version != Version::none && impl_->header_told && impl_->beast.keep_alive();
}

}  // namespace sup::http
