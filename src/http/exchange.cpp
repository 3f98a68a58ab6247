#include "http/exchange.h"

#include <boost/asio/post.hpp>

#include "http/format.h"

namespace sup::http {

ConnectionExchange::~ConnectionExchange() {
  if (state_ == State::done) return;
  if (const auto connection = connection_.lock()) connection->forsake();
}

void ConnectionExchange::reply(Response response) {
  if (state_ != State::pending) return;
  state_ = State::done;
  if (const auto connection = connection_.lock()) connection->reply(std::move(response));
}

void ConnectionExchange::error(int status) {
  reply(error_page(status));
}

void ConnectionExchange::begin(Response head) {
  if (state_ != State::pending) return;
  state_ = State::streaming;
  if (const auto connection = connection_.lock()) connection->begin(head);
}

void ConnectionExchange::chunk(std::string_view bytes) {
  if (state_ != State::streaming) return;
  if (const auto connection = connection_.lock()) connection->chunk(bytes);
}

void ConnectionExchange::end() {
  if (state_ != State::streaming) return;
  state_ = State::done;
  if (const auto connection = connection_.lock()) connection->end();
}

std::size_t ConnectionExchange::backlog() const {
  const auto connection = connection_.lock();
  return connection && state_ != State::done ? connection->backlog() : 0;
}

void ConnectionExchange::when_taken(std::function<void()> callback) {
  if (state_ == State::done) return;
  if (const auto connection = connection_.lock()) connection->when_taken(std::move(callback));
}

void ConnectionExchange::on_gone(std::function<void()> callback) {
  if (state_ == State::done) return;
  if (const auto connection = connection_.lock()) {
    connection->on_gone(std::move(callback));
  } else {
    boost::asio::post(loop_, std::move(callback));
  }
}

}  // namespace sup::http
