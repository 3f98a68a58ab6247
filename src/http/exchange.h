// The Exchange that handlers get: a request and the way back to its connection, which may close before.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <utility>

#include "http/connection.h"
#include "http/server.h"

namespace sup::http {

class ConnectionExchange final : public Exchange {
 public:
  ConnectionExchange(boost::asio::io_context& loop, std::weak_ptr<Connection> connection, Request request)
      : loop_(loop), connection_(std::move(connection)), request_(std::move(request)) {}
  ~ConnectionExchange() override;

  [[nodiscard]] const Request& request() const override { return request_; }
  void reply(Response response) override;
  void error(int status) override;
  void begin(Response head) override;
  void chunk(std::string_view bytes) override;
  void end() override;
  [[nodiscard]] std::size_t backlog() const override;
  void when_taken(std::function<void()> callback) override;
  void on_gone(std::function<void()> callback) override;

 private:
  enum class State : unsigned char { pending, streaming, done };

  boost::asio::io_context& loop_;
  std::weak_ptr<Connection> connection_;
  Request request_;
  State state_ = State::pending;
};

}  // namespace sup::http
