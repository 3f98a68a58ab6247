// Signals as numbers, names and a file descriptor.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sup::os {

// "SIGTERM"; "SIG99" for a number without a name.
[[nodiscard]] std::string signal_name(int signal);
// "SIGTERM", "TERM", "term" or "15". Nothing for what is not a signal that can be sent here.
[[nodiscard]] std::optional<int> signal_number(std::string_view text);

// Blocks these signals in the calling thread, for good, and gives a non-blocking, close-on-exec descriptor on which
// they arrive. Signals that were ignored are given their default disposition, since ignored ones might never arrive.
[[nodiscard]] Result<UniqueFd> signal_descriptor(std::initializer_list<int> signals);
// The next signal waiting on such a descriptor, 0 when there is none. `process` becomes the pid that it is about: of
// SIGCHLD the child; that of one child may stand for several that came while it waited.
[[nodiscard]] int next_signal(int descriptor, pid_t* process = nullptr);

// Has the calling process killed when the process that started it ends. Forgotten when its user changes.
void end_with_parent() noexcept;

// No signal reaches the calling thread while one of these lives, not even those that glibc keeps for itself.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() noexcept;
  ~AllSignalsBlocked();
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  unsigned long before_[16] = {};  // the kernel's own set: larger than any kernel's
};

}  // namespace sup::os
