#include "http/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>

#include "http/auth.h"
#include "http/exchange.h"
#include "http/format.h"
#include "http/host.h"
#include "http/hub.h"
#include "http/uri.h"

namespace sup::http {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr std::chrono::microseconds slice{100};        // of the answering of pipelined requests
constexpr std::size_t send_slice = 256 * 1024;          // of the sending of a reply
constexpr std::size_t output_limit = 64 * 1024 * 1024;  // a stream whose client does not read is cut
constexpr Seconds linger_time{2};
constexpr std::size_t line_limit = 1024;  // of a request line in the access log

Time now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

// Assigning an empty string would keep the memory.
void release(std::string& text) {
  std::string().swap(text);
}

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

Connection::Connection(Hub& hub, Site& site) : hub_(&hub), site_(&site), descriptor_(hub.loop) {}

bool Connection::start(UniqueFd fd) {
  boost::system::error_code error;
  descriptor_.assign(fd.get(), error);
  if (error) return false;
  client_ = client_of(fd.release(), site_->is_unix);
  progress_ = now();
  settle();
  return true;
}

void Connection::abandon() {
  close_now();
}

void Connection::finish() {
  if (busy_ ? turn_.streaming : output_.empty()) return close_now();
  turn_.keep_alive = false;
  if (!busy_) closing_ = true;
}

void Connection::park_soon() {
  if (busy_ && turn_.streaming) return close_now();
  if (idle() && !closing_) park();
}

int Connection::worth() const {
  if (busy_ && !turn_.streaming) return 3;
  if (busy_ || !output_.empty()) return 2;
  return idle() ? 0 : 1;
}

void Connection::work() {
  queued_ = false;
  if (hub_ != nullptr && std::exchange(writable_, false)) write();
  if (hub_ != nullptr && std::exchange(more_, false)) pump({});
  // What has been read already comes first.
  if (hub_ != nullptr && !more_ && std::exchange(readable_, false)) read();
  if (hub_ != nullptr && output_.empty() && !more_) {
    if (const auto taken = std::exchange(taken_, nullptr)) taken();
  }
  if (hub_ != nullptr && (more_ || readable_)) queue();
}

// ---- in

void Connection::read() {
  auto& scratch = hub_->scratch;
  const ssize_t count = ::recv(descriptor_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return arm_read();
    return close_now();
  }
  if (lingering_) return count == 0 ? close_now() : arm_read();
  if (count == 0) {
    // Perhaps only the sending half: a reply that is due is still sent. A stream would never end.
    half_closed_ = true;
    if (busy_ && turn_.streaming) return close_now();
    return settle();
  }
  progress_ = now();
  pump({scratch.data(), static_cast<std::size_t>(count)});
}

// Parses what is there and answers it, until something has to be waited for or the turn is over.
void Connection::pump(std::string_view fresh) {
  const bool stored = !input_.empty();
  if (stored) input_.append(fresh);
  std::string_view bytes = stored ? std::string_view(input_) : fresh;
  const std::size_t before = bytes.size();
  pumping_ = true;
  parse(bytes);
  pumping_ = false;
  if (hub_ == nullptr) return;
  more_ = !busy_ && !closing_ && !bytes.empty() && bytes.size() < before;
  if (bytes.empty()) {
    release(input_);
  } else if (stored) {
    input_.erase(0, input_.size() - bytes.size());
  } else {
    input_.assign(bytes);
  }
  if (!flush() && hub_ == nullptr) return;
  if (more_ && output_.size() >= site_->terms.limits.pipeline_bytes) more_ = false;  // write() will see to it
  if (more_) queue();
  settle();
}

void Connection::parse(std::string_view& bytes) {
  using Progress = RequestParser::Progress;
  const Limits& limits = site_->terms.limits;
  const Time end = now() + slice;
  while (hub_ != nullptr && !busy_ && !closing_ && output_.size() < limits.pipeline_bytes) {
    if (parser_ == nullptr) {
      if (bytes.empty()) return;
      parser_ = std::make_unique<RequestParser>(limits);
    }
    const RequestParser::Step step = parser_->feed(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.progress) {
      case Progress::more: {
        if (bytes.empty() && parser_->untouched()) parser_.reset();
        return;
      }
      case Progress::header:
        meet(step);
        break;
      case Progress::done:
        dispatch();
        if (now() >= end) return;
        break;
      case Progress::failed:
        return refuse(step.status);
    }
  }
}

// Decides by its header whether the rest of a request is wanted.
void Connection::meet(const RequestParser::Step& step) {
  const Terms& terms = site_->terms;
  Request& request = parser_->request();
  const Admission admission = admit(terms.credentials, request);
  if (admission == Admission::wrong) hub_->log_wrong_credentials(*site_, peer_name(descriptor_.native_handle()));
  if (admission != Admission::granted) return refuse(status_of(admission));
  const bool any_name = !terms.hosts && (!site_->loopback || !terms.credentials.username.empty());
  request.own_name = any_name || is_own_name(request.header("Host"), terms.hosts);
  request.nesting_limit = terms.limits.nesting;
  request.client = client_;
  if (terms.hosts && !request.own_name) return refuse(403);
  if (step.status != 0) refuse(step.status);
}

void Connection::dispatch() {
  Request request = std::move(parser_->request());
  turn_ = {parser_->version(), parser_->keep_alive() && !hub_->closing, request.method == "HEAD"};
  turn_.body_size = request.body.size();
  if (hub_->log.wants(Level::trace)) {
    turn_.line = fmt::format("{} {}", request.method, request.target.substr(0, line_limit));
    if (turn_.version != Version::none) turn_.line.append(" ").append(version_text(turn_.version));
  }
  parser_.reset();
  partial_ = false;
  busy_ = true;
  set_deadline(Time::max());
  auto exchange = std::make_shared<ConnectionExchange>(hub_->loop, weak_from_this(), std::move(request));
  try {
    hub_->handler(std::move(exchange));
  } catch (const std::exception& error) {
    if (hub_ != nullptr) hub_->log(Level::error, "{}:Server Error: {}", site_->label, error.what());
  }
}

// Answers a request that is not handed over. The connection goes on only when it is known where the next one starts.
void Connection::refuse(int status) {
  turn_ = {parser_->version(),
           status != 401 && parser_->complete() && parser_->keep_alive() && !hub_->closing,
           parser_->request().method == "HEAD"};
  parser_.reset();
  partial_ = false;
  if (!turn_.keep_alive) closing_ = unread_ = true;
  if (status == 0) return;
  Response page = error_page(status);
  if (status == 401)
    page.headers.insert(page.headers.begin(),
                        {{"Connection", "close"}, {"WWW-Authenticate", "Basic realm=\"default\""}});
  append_reply(std::move(page), !turn_.keep_alive);
}

// ---- out

void Connection::append_reply(Response&& response, bool close) {
  const bool body = has_body(response.status);
  const std::size_t before = output_.size();
  const std::size_t size = response.shared_body ? response.shared_body->size() : response.body.size();
  const Framing framing{
      .length = body, .keep_alive_header = !close && turn_.version == Version::v10, .body_size = size};
  append_head(output_.tail(), turn_.version, response, framing, hub_->date.now());
  output_.joined();
  if (body && !turn_.head && response.shared_body) {
    output_.append(std::move(response.shared_body));
  } else if (body && !turn_.head) {
    output_.append(std::move(response.body));
  }
  log_access(response.status, output_.size() - before);
}

void Connection::reply(Response response) {
  if (hub_ == nullptr || !busy_) return;
  const bool close = !turn_.keep_alive || hub_->closing;
  append_reply(std::move(response), close);
  finish_turn(close);
}

void Connection::begin(const Response& head) {
  if (hub_ == nullptr || !busy_) return;
  turn_.streaming = true;
  turn_.chunked = turn_.version == Version::v11 && turn_.keep_alive;
  append_head(output_.tail(), turn_.version, head, {.chunked = turn_.chunked}, hub_->date.now());
  output_.joined();
  log_access(head.status, output_.size());
  if (!pumping_ && flush()) settle();
}

void Connection::chunk(std::string_view bytes) {
  if (hub_ == nullptr || !busy_ || bytes.empty() || turn_.head) return;
  if (turn_.chunked) {
    fmt::format_to(std::back_inserter(output_.tail()), "{:x}\r\n", bytes.size());
    output_.joined();
  }
  output_.append(bytes);
  if (turn_.chunked) output_.append(std::string_view("\r\n"));
  if (output_.size() > output_limit) return close_now();
  if (!pumping_ && !flush() && hub_ != nullptr) count_memory();
}

void Connection::end() {
  if (hub_ == nullptr || !busy_) return;
  if (turn_.chunked && !turn_.head) output_.append(std::string_view("0\r\n\r\n"));
  finish_turn(!turn_.chunked || hub_->closing);
}

void Connection::forsake() {
  if (hub_ == nullptr || !busy_) return;
  if (turn_.streaming) return close_now();
  reply(error_page(500));
}

void Connection::finish_turn(bool close) {
  busy_ = false;
  gone_ = taken_ = nullptr;
  turn_.body_size = 0;
  if (close) closing_ = true;
  if (pumping_) return;
  if (!flush() && hub_ == nullptr) return;
  more_ = !closing_ && !input_.empty();
  if (more_) queue();
  settle();
}

void Connection::when_taken(std::function<void()> callback) {
  if (hub_ == nullptr || !busy_) return;
  taken_ = std::move(callback);
  if (output_.empty()) queue();
}

// False when the connection is closed or has to wait for the client or its turn.
bool Connection::flush() {
  if (hub_ == nullptr) return false;
  if (output_.empty()) return true;
  if (writing_ || writable_) return false;
  const std::size_t before = output_.size();
  const Output::Sent sent = output_.send_to(descriptor_.native_handle(), send_slice);
  if (output_.size() < before) progress_ = now();
  switch (sent) {
    case Output::Sent::all:
      return true;
    case Output::Sent::blocked:
      arm_write();
      return false;
    case Output::Sent::enough:
      writable_ = true;
      queue();
      return false;
    case Output::Sent::failed:
      break;
  }
  close_now();
  return false;
}

void Connection::write() {
  if (!flush() && hub_ == nullptr) return;
  more_ = !busy_ && !closing_ && !input_.empty() && output_.size() < site_->terms.limits.pipeline_bytes;
  settle();
}

// ---- waiting

// Arms what the connection waits for, with the deadline for it.
void Connection::settle() {
  if (hub_ == nullptr) return;
  count_memory();
  if (hub_ == nullptr) return;
  const Limits& limits = site_->terms.limits;
  if (!output_.empty()) {
    if (!busy_) set_deadline(progress_ + Seconds(limits.reply_seconds));
    if (busy_) arm_read();
    return;
  }
  if (more_) return;
  if (closing_) return unread_ || !input_.empty() ? linger() : close_now();
  if (busy_) return arm_read();
  if (half_closed_ || (hub_->closing && parser_ == nullptr)) return close_now();
  if (hub_->parking && parser_ == nullptr && input_.empty()) return park();
  if (parser_ == nullptr) {
    set_deadline(now() + Seconds(limits.idle_seconds));
  } else if (!partial_) {
    set_deadline(now() + Seconds(limits.request_seconds));
  }
  partial_ = parser_ != nullptr;
  arm_read();
}

void Connection::park() {
  site_->memory -= std::exchange(memory_, 0);
  Hub& hub = *std::exchange(hub_, nullptr);
  const UniqueFd fd(descriptor_.release());
  hub.parking(fd, site_->label);
  hub.remove(*this);
}

// Closing a socket with unread bytes would take the reply away from the client.
void Connection::linger() {
  if (lingering_) return;
  lingering_ = true;
  release(input_);
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
  if (half_closed_) return close_now();
  set_deadline(now() + linger_time);
  arm_read();
}

void Connection::arm_read() {
  if (reading_ || readable_ || half_closed_ || input_.size() >= site_->terms.limits.header_bytes) return;
  reading_ = true;
  descriptor_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code) {
    self->reading_ = false;
    self->readable_ = true;
    self->queue();
  });
}

void Connection::arm_write() {
  if (writing_) return;
  writing_ = true;
  descriptor_.async_wait(stream_descriptor::wait_write,
                         [self = shared_from_this()](boost::system::error_code) {
    self->writing_ = false;
    self->writable_ = true;
    self->queue();
  });
}

void Connection::queue() {
  if (hub_ == nullptr || std::exchange(queued_, true)) return;
  hub_->turns.queue(client_, shared_from_this());
}

void Connection::set_deadline(Time deadline) {
  deadline_ = deadline;
  hub_->note(deadline);
}

void Connection::count_memory() {
  const std::size_t request = parser_ != nullptr ? parser_->request().body.size() : busy_ ? turn_.body_size : 0;
  const std::size_t present = input_.size() + output_.size() + request;
  site_->memory += present - memory_;
  memory_ = present;
  if (site_->memory > site_->terms.limits.memory_bytes) hub_->relieve(*site_, *this);
}

void Connection::close_now() {
  if (hub_ == nullptr) return;
  site_->memory -= std::exchange(memory_, 0);
  Hub& hub = *std::exchange(hub_, nullptr);
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  output_ = {};
  release(input_);
  parser_.reset();
  taken_ = nullptr;
  if (auto gone = std::exchange(gone_, nullptr)) boost::asio::post(hub.loop, std::move(gone));
  hub.remove(*this);
}

void Connection::log_access(int status, std::size_t bytes) {
  if (turn_.line.empty() || !hub_->log.wants(Level::trace)) return;
  const std::time_t when = std::time(nullptr);
  const std::string date = format_date(when);  // "Mon, 23 Nov 2026 03:03:33 GMT"
  const std::string_view d = date;
  hub_->log(Level::trace, "{} - - [{}/{}/{}:{} +0000] \"{}\" {} {}", peer_name(descriptor_.native_handle()),
            d.substr(5, 2), d.substr(8, 3), d.substr(12, 4), d.substr(17, 8), turn_.line, status, bytes);
}

}  // namespace sup::http
