// Event types in one table, who subscribes to what, and the text of each event's body.
//
// Types, their tree and the bodies are Supervisor's, byte for byte (docs/events.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace sup::events {

enum class Type : std::uint8_t {
  event,
  process_state,
  process_state_starting,
  process_state_running,
  process_state_backoff,
  process_state_stopping,
  process_state_exited,
  process_state_stopped,
  process_state_fatal,
  process_state_unknown,
  process_communication,
  process_communication_stdout,
  process_communication_stderr,
  process_log,
  process_log_stdout,
  process_log_stderr,
  remote_communication,
  supervisor_state_change,
  supervisor_state_change_running,
  supervisor_state_change_stopping,
  tick,
  tick_5,
  tick_60,
  tick_3600,
  process_group,
  process_group_added,
  process_group_removed,
};
inline constexpr std::size_t type_count = static_cast<std::size_t>(Type::process_group_removed) + 1;

[[nodiscard]] std::string_view type_name(Type type) noexcept;                 // "PROCESS_STATE_STARTING"
[[nodiscard]] std::optional<Type> type_named(std::string_view name) noexcept; // upper case
[[nodiscard]] bool is_a(Type type, Type ancestor) noexcept;                   // a type is one of itself
[[nodiscard]] std::vector<std::string> type_names();

struct Event {
  Type type = Type::event;
  std::string body;
  std::optional<std::size_t> characters = {};  // of the body, when somebody has counted them
};

// A set of types; a subscription to a type covers everything below it.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(const std::vector<std::string>& names);
  void add(Type type) noexcept;
  [[nodiscard]] bool wants(Type type) const noexcept { return (bits_ >> static_cast<unsigned>(type)) & 1; }
  [[nodiscard]] bool empty() const noexcept { return bits_ == 0; }
  void merge(const Subscription& other) noexcept { bits_ |= other.bits_; }

 private:
  std::uint64_t bits_ = 0;  // one per concrete or abstract type, ancestors' descendants included
};

// ---- bodies

[[nodiscard]] std::string state_body(std::string_view process, std::string_view group, std::string_view from_state);
[[nodiscard]] std::string state_body_tries(std::string_view process, std::string_view group,
                                           std::string_view from_state, long long tries);
[[nodiscard]] std::string state_body_pid(std::string_view process, std::string_view group, std::string_view from_state,
                                         int pid);
[[nodiscard]] std::string exited_body(std::string_view process, std::string_view group, std::string_view from_state,
                                      bool expected, int pid);
[[nodiscard]] std::string log_body(std::string_view process, std::string_view group, int pid, Channel channel,
                                   std::string_view data);
[[nodiscard]] std::string communication_body(std::string_view process, std::string_view group, int pid,
                                             std::string_view data);
[[nodiscard]] std::string remote_body(std::string_view type, std::string_view data);
[[nodiscard]] std::string group_body(std::string_view group);
[[nodiscard]] std::string tick_body(std::int64_t when);

enum class Length : std::uint8_t { characters, bytes };

// The line behind which a listener reads the event's body, with its end. Supervisor's `len` counts characters.
[[nodiscard]] std::string header_line(std::string_view identifier, std::uint64_t serial, std::string_view pool,
                                      std::uint64_t pool_serial, const Event& event,
                                      Length length = Length::characters);

}  // namespace sup::events
