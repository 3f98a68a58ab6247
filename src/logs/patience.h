// How long a writer waits for a reader that does not keep up: never for ever, and not again and again.
#pragma once

#include "base/time.h"

namespace sup::logs {

// At most 100 ms in any second; and once a wait was in vain, not at all until something could be written again.
class Patience {
 public:
  // True when `fd` became writable in time; otherwise what was to be written has to be dropped.
  [[nodiscard]] bool wait_writable(int fd);
  // Something was written.
  void relieve() { given_up_ = false; }

 private:
  Time window_{};  // begin of the second that `spent_` belongs to
  Duration spent_{};
  bool given_up_ = false;
};

}  // namespace sup::logs
