// Reads what event listeners say as it comes, on the control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/surroundings.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

class ListenerOutputs final : public engine::ListenerOutputs {
 public:
  struct Handlers {
    std::function<void(ProcessId, std::string_view)> bytes;
    std::function<void(ProcessId)> closed;  // end of file
  };

  explicit ListenerOutputs(boost::asio::io_context& loop);
  ~ListenerOutputs() override;
  // Before the loop runs.
  void give_to(Handlers handlers) { handlers_ = std::move(handlers); }

  void watch(ProcessId id, UniqueFd pipe, std::shared_ptr<engine::Talk> talk) override;
  [[nodiscard]] std::string finish(ProcessId id) override;

 private:
  struct Pipe;
  void wait(ProcessId id, const std::shared_ptr<Pipe>& pipe);
  void read(ProcessId id, const std::shared_ptr<Pipe>& pipe);

  boost::asio::io_context& loop_;
  Handlers handlers_;
  std::unordered_map<ProcessId, std::shared_ptr<Pipe>> pipes_;
};

}  // namespace sup::daemon
