// One client's connection: reads requests, hands them over one after the other, writes the replies in order.
//
// It holds no buffer while nothing is in flight. It waits for the socket to become readable, then for its turn, and then
// reads into memory that all connections share; what is left is copied. A request that comes while another is being
// answered waits in the socket, or, up to the header limit, here.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "http/output.h"
#include "http/request_parser.h"
#include "http/server.h"
#include "http/turns.h"

namespace sup::http {

struct Hub;
struct Site;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `hub` and `site` outlive it, or call abandon() before they go.
  Connection(Hub& hub, Site& site);

  // Takes the socket over; false when the loop cannot.
  [[nodiscard]] bool start(UniqueFd fd);
  // Closes at once, telling nobody but a waiting exchange.
  void abandon();
  // Closes when the reply that is due is sent; at once when none is.
  void finish();
  // Goes to the hub's parking when nothing is in flight; a stream, which would never end, is cut.
  void park_soon();
  // Its deadline has passed.
  void expire() { close_now(); }
  // Its turn: reads once, answers what it can in a fraction of a millisecond, and sends a bounded part of a reply.
  void work();

  [[nodiscard]] bool idle() const { return !busy_ && parser_ == nullptr && input_.empty() && output_.empty(); }
  [[nodiscard]] Time deadline() const { return deadline_; }
  [[nodiscard]] Site& site() const { return *site_; }
  [[nodiscard]] Client client() const { return client_; }
  // When bytes last went in or out.
  [[nodiscard]] Time progress() const { return progress_; }
  // Of the request and the reply, as far as they are here.
  [[nodiscard]] std::size_t memory() const { return memory_; }
  // How much would be lost with it: 0 for an idle one, 3 for one that waits for an operation.
  [[nodiscard]] int worth() const;

  // What the exchange of the present request calls.
  void reply(Response response);
  void begin(const Response& head);
  void chunk(std::string_view bytes);
  void end();
  // The exchange is dropped unfinished: an error page, or a cut stream.
  void forsake();
  void on_gone(std::function<void()> callback) { gone_ = std::move(callback); }
  [[nodiscard]] std::size_t backlog() const { return output_.size(); }
  void when_taken(std::function<void()> callback);

  std::list<std::shared_ptr<Connection>>::iterator place;  // in the hub's list

 private:
  // The request being answered.
  struct Turn {
    Version version = Version::v11;
    bool keep_alive = false;
    bool head = false;  // no body wanted
    bool streaming = false;
    bool chunked = false;
    std::size_t body_size = 0;  // of the request
    std::string line = {};      // for the access log; empty when nobody reads it
  };

  void read();
  void write();
  void pump(std::string_view fresh);
  void parse(std::string_view& bytes);
  void meet(const RequestParser::Step& step);
  void dispatch();
  void refuse(int status);
  void append_reply(Response&& response, bool close);
  void finish_turn(bool close);
  bool flush();
  void settle();
  void park();
  void linger();
  void arm_read();
  void arm_write();
  void queue();
  void set_deadline(Time deadline);
  void count_memory();
  void close_now();
  void log_access(int status, std::size_t bytes);

  Hub* hub_;  // null when closed
  Site* site_;
  boost::asio::posix::stream_descriptor descriptor_;
  std::string input_;  // not parsed yet
  Output output_;
  std::unique_ptr<RequestParser> parser_;
  std::function<void()> gone_;
  std::function<void()> taken_;
  Turn turn_;
  Client client_ = 0;
  Time deadline_ = Time::max();
  Time progress_{};
  std::size_t memory_ = 0;  // as the site has counted it
  bool busy_ = false;       // a request waits for the end of its reply
  bool partial_ = false;    // a part of a request is here, and the deadline is for the rest of it
  bool pumping_ = false;    // pump() is at work: replies need not start it
  bool closing_ = false;    // close when the output is sent
  bool unread_ = false;     // closing, but the client may still be sending
  bool lingering_ = false;  // closed for writing; reads until the client has closed too
  bool half_closed_ = false;
  bool reading_ = false;   // waits for the socket
  bool writing_ = false;   // likewise
  bool readable_ = false;  // and that is for the next turn
  bool writable_ = false;  // likewise
  bool more_ = false;      // input_ may hold a whole request, for the next turn
  bool queued_ = false;    // waits for its turn
};

}  // namespace sup::http
