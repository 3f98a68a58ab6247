// Bytes on their way to a client: small pieces are joined, large bodies are sent from where they are, which may be one
// place for many clients.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sup::http {

class Output {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // The string at the end, to append to; joined() must follow.
  [[nodiscard]] std::string& tail();
  void joined();
  void append(std::string_view bytes);
  void append(std::string&& bytes);
  void append(std::shared_ptr<const std::string> bytes);

  enum class Sent : unsigned char { all, blocked, enough, failed };
  // Sends as much as the socket takes now, and not much more than `budget` bytes: then that is enough for one turn.
  // Memory is given back when all is sent.
  [[nodiscard]] Sent send_to(int fd, std::size_t budget);

 private:
  struct Piece {
    std::string own;
    std::shared_ptr<const std::string> shared;  // instead

    [[nodiscard]] std::string_view bytes() const { return shared ? *shared : own; }
  };

  void drop(std::size_t count);

  std::vector<Piece> pieces_;
  std::size_t first_ = 0;   // pieces before it are sent
  std::size_t offset_ = 0;  // bytes of the first piece that are sent
  std::size_t size_ = 0;
  std::size_t tail_size_ = 0;  // of the last piece when tail() was called
};

}  // namespace sup::http
