// Decides when a trouble with a log is worth a message: at once, then at most once a minute, and when it is over.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"

namespace sup::logs {

struct Message {
  Level level = Level::error;
  std::string text;  // a sentence
};

// About one log, which the messages call `subject`; what it loses is counted in `unit`s.
class Complaints {
 public:
  Complaints(std::string subject, std::string_view unit) : subject_(std::move(subject)), unit_(unit) {}

  // `lost` more were not written because of `error`.
  [[nodiscard]] std::optional<Message> lost(const Error& error, unsigned long long lost, Time now);
  // Everything is written, but the file could not be rotated.
  [[nodiscard]] std::optional<Message> not_rotated(const Error& error, Time now);
  // Something was written without trouble.
  [[nodiscard]] std::optional<Message> works();
  // The log is closed: losses that were not told yet.
  [[nodiscard]] std::optional<Message> closed();
  // works() has something to say, or a loss is not told yet.
  [[nodiscard]] bool pending() const { return failing_ || untold_ > 0; }

 private:
  std::string subject_;
  std::string_view unit_;
  bool failing_ = false;           // a message said so, and none that it works again
  unsigned long long untold_ = 0;  // losses since the last message
  Time quiet_until_{};             // about losses
  Time rotation_quiet_until_{};
};

}  // namespace sup::logs
