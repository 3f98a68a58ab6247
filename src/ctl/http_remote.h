// The daemon behind its HTTP server.
#pragma once

#include <optional>

#include "ctl/remote.h"
#include "http/client.h"

namespace sup::ctl {

class HttpRemote final : public Remote {
 public:
  void use(const Server& server) override;
  [[nodiscard]] Tried<api::Value> call(const std::string& method, std::vector<api::Value> params) override;
  [[nodiscard]] Tried<> stream(const std::string& path, const Sink& sink, int stop_fd) override;
  [[nodiscard]] std::unique_ptr<Following> follow(std::string path, Sink sink,
                                                  std::function<void(const Failure&)> report) override;

 private:
  Server server_;
  std::optional<http::Client> client_;  // made when it is needed
};

}  // namespace sup::ctl
