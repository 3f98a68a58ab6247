// The question that comes before an upgrade: could the program in the file go on with all that there is?
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "keeper/client.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

struct Consent {
  std::string version;      // of the program in the file
  bool keeper_too = false;  // the keeper is to be replaced as well
};

struct UpgradeQuestion {
  bool keeper_too = false;             // even if the keeper's file is the same
  std::string argv0;                   // what the daemon was started with
  std::vector<std::string> arguments;  // of the user
};

// Asks keeper and program. `snapshots` is called when the keeper has answered, for the configurations of that moment.
// `done` is called once, later; its Error is a sentence about the file. Nothing is called or used any more once `alive`
// or the loop has gone.
void ask_for_consent(boost::asio::io_context& loop, std::weak_ptr<const void> alive, keeper::Client& keeper,
                     UpgradeQuestion question,
                     std::function<const std::map<std::uint32_t, UniqueFd>&()> snapshots,
                     std::move_only_function<void(Result<Consent>)> done);

}  // namespace sup::daemon
