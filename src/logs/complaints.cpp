#include "logs/complaints.h"

#include <fmt/format.h>

#include <utility>

namespace sup::logs {
namespace {

constexpr Seconds quiet_time{60};

}  // namespace

std::optional<Message> Complaints::lost(const Error& error, unsigned long long lost, Time now) {
  untold_ += lost;
  if (now < quiet_until_) return std::nullopt;
  quiet_until_ = now + quiet_time;
  failing_ = true;
  return Message{Level::error, fmt::format("could not write {}: {} ({} lost: {})", subject_, error.text, unit_,
                                           std::exchange(untold_, 0))};
}

std::optional<Message> Complaints::not_rotated(const Error& error, Time now) {
  if (now < rotation_quiet_until_) return std::nullopt;
  rotation_quiet_until_ = now + quiet_time;
  return Message{Level::error,
                 fmt::format("could not rotate {}, writing on to the open file: {}", subject_, error.text)};
}

std::optional<Message> Complaints::works() {
  if (!std::exchange(failing_, false)) return std::nullopt;
  const auto more = std::exchange(untold_, 0);
  if (more == 0) return Message{Level::info, fmt::format("{} can be written again", subject_)};
  return Message{Level::info, fmt::format("{} can be written again ({} lost meanwhile: {})", subject_, unit_, more)};
}

std::optional<Message> Complaints::closed() {
  failing_ = false;
  if (untold_ == 0) return std::nullopt;
  return Message{Level::error, fmt::format("{} was not written completely ({} lost since the last message: {})",
                                           subject_, unit_, std::exchange(untold_, 0))};
}

}  // namespace sup::logs
