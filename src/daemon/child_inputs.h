// Writes to the children's standard input without ever waiting: what a pipe does not take at once is queued and
// follows when it does.
#pragma once

#include <memory>
#include <unordered_map>

#include "engine/engine.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

class ChildInputs final : public engine::Inputs {
 public:
  explicit ChildInputs(boost::asio::io_context& loop);
  ~ChildInputs() override;

  [[nodiscard]] Result<> write(ProcessId id, int fd, Borrowed text) override;
  [[nodiscard]] Result<> move(ProcessId id, int fd, std::shared_ptr<engine::Talk> talk) override;
  void forget(ProcessId id) override;
  [[nodiscard]] bool idle() const { return queues_.empty(); }  // nothing waits

 private:
  struct Queue;  // exists only while bytes wait, so that an idle child costs nothing

  [[nodiscard]] Queue& make_queue(ProcessId id, int fd);

  boost::asio::io_context& loop_;
  std::unordered_map<ProcessId, std::shared_ptr<Queue>> queues_;
};

}  // namespace sup::daemon
