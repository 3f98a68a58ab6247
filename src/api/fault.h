// What an operation answers when it cannot do what was asked: Supervisor's fault numbers and texts.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sup::api {

enum class FaultCode : int {
  unknown_method = 1,
  incorrect_parameters = 2,
  bad_arguments = 3,
  signature_unsupported = 4,
  shutdown_state = 6,
  bad_name = 10,
  bad_signal = 11,
  no_file = 20,
  not_executable = 21,
  failed = 30,
  abnormal_termination = 40,
  spawn_error = 50,
  already_started = 60,
  not_running = 70,
  success = 80,
  already_added = 90,
  still_running = 91,
  cant_reread = 92,
};

// "BAD_NAME"; "UNKNOWN" for a number that is none of these.
[[nodiscard]] std::string_view fault_name(FaultCode code) noexcept;

struct Fault {
  FaultCode code = FaultCode::failed;
  std::string text;  // "BAD_NAME: x"
};

// NAME, or "NAME: extra" when there is an extra, be it empty.
[[nodiscard]] Fault make_fault(FaultCode code, std::optional<std::string_view> extra = {});

template <class T>
using Answer = std::expected<T, Fault>;

}  // namespace sup::api
