// The daemon, as the commands see it. http_remote.h has the real one; tests have fakes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "ctl/failure.h"

namespace sup::ctl {

// Where the daemon listens and who we say we are.
struct Server {
  std::string url;  // as the user gave it; not yet checked
  std::optional<std::string> username;
  std::optional<std::string> password;  // sent only together with a username
};

// Gets the pieces of a stream; false ends it.
using Sink = std::function<bool(std::string_view)>;

// A stream that is read in the background; destroying it ends it.
class Following {
 public:
  virtual ~Following() = default;
};

class Remote {
 public:
  virtual ~Remote() = default;
  // From now on talk to this server, over a new connection.
  virtual void use(const Server& server) = 0;
  // One XML-RPC call.
  [[nodiscard]] virtual Tried<api::Value> call(const std::string& method, std::vector<api::Value> params) = 0;
  // GET of a log that goes on for ever, until the server or `sink` ends it or `stop_fd` becomes readable.
  [[nodiscard]] virtual Tried<> stream(const std::string& path, const Sink& sink, int stop_fd) = 0;
  // The same on a thread of its own, from which `sink` is called; `report` gets the failure, if it ends with one.
  [[nodiscard]] virtual std::unique_ptr<Following> follow(std::string path, Sink sink,
                                                          std::function<void(const Failure&)> report) = 0;
};

}  // namespace sup::ctl
