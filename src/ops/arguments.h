// From untyped arguments to what an operation wants, with the results that Python's conversions give.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/fault.h"
#include "api/value.h"

namespace sup::ops {

using Arguments = std::span<const api::Value>;

// Python's str(): what a fault text shows of an argument of any type; of a long one the first 1,000 bytes.
[[nodiscard]] std::string python_str(const api::Value& value);
// A fault about an argument: its str() behind the name of the fault, or nothing when it is None.
[[nodiscard]] api::Fault fault_about(api::FaultCode code, const api::Value& value);
// Python's bool(): how `wait` is read.
[[nodiscard]] bool truth(const api::Value& value);
// Python's int(): numbers, and texts that are one; anything else is INCORRECT_PARAMETERS. What is beyond 64 bits is the
// number at their end.
[[nodiscard]] api::Answer<std::int64_t> integer(const api::Value& value);
// The argument, or `fallback` when the caller left it out.
[[nodiscard]] bool wait_argument(Arguments args, std::size_t index);

// "HUP", "SIGHUP", "hup", 1 or "1"; BAD_SIGNAL for anything else.
[[nodiscard]] api::Answer<int> signal_number(const api::Value& value);

// "group:process", "process" (group and process of one name), "group:*" or "group:" (all of the group).
struct Namespec {
  std::string group;
  std::string process;
  bool all = false;
};
// BAD_NAME-like faults for values that are no text.
[[nodiscard]] api::Answer<Namespec> namespec(const api::Value& value);

}  // namespace sup::ops
