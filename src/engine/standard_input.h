// The standard input of programs, as clients write to it.
//
// Hardly any program is ever written to, and a pipe for each would be a third of what the manager keeps open. So only
// the keeper has the write ends, and lends one when the first text for it comes. Event listeners, who are written to
// all the time, keep theirs; so does everybody when the keeper is of a version that does not lend.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/borrowed.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/entry.h"
#include "engine/surroundings.h"

namespace sup::engine {

class StandardInput {
 public:
  using Written = std::move_only_function<void(Result<>)>;

  StandardInput(keeper::Children& children, Inputs& inputs) : children_(children), inputs_(inputs) {}

  // The process has begun, or this manager has found it: `in` is what the keeper gave us for it.
  void begun(Entry& entry, UniqueFd in);
  // Texts arrive in the order of the calls. The Error's code is EPIPE when the process has closed its standard input or
  // has none that is a pipe.
  void send(Entry& entry, Borrowed text, Written written);
  // The keeper's answer; `lost` when the pipe could not reach us.
  void lent(Entry& entry, UniqueFd in, bool lost);
  void ended(Entry& entry);

 private:
  struct Waiting {
    std::string own;  // unless somebody keeps the text
    Borrowed text;
    Written written;
  };

  [[nodiscard]] std::vector<Waiting> take_waiting(ProcessId id);

  keeper::Children& children_;
  Inputs& inputs_;
  std::unordered_map<ProcessId, std::vector<Waiting>> waiting_;  // until it is lent
};

}  // namespace sup::engine
