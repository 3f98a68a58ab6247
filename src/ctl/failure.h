// What a call of the daemon can come back with instead of a value, and how it is shown when a command cannot handle it.
//
// Supervisor shows such a failure as "error: <class 'TYPE'>, TEXT: file: F line: N". Scripts match on the first words,
// so the types keep their Python names.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "api/fault.h"

namespace sup::ctl {

struct Failure {
  enum class Kind {
    fault,   // the daemon refused: `code` is a FaultCode, `text` the fault's text
    status,  // an HTTP status other than 200: `code`, with its reason as `text`
    system,  // a system call failed: `code` is its errno
    other,   // anything else: `type` is a Python class, `text` its message
  };
  Kind kind = Kind::other;
  int code = 0;
  std::string text;
  std::string type;

  [[nodiscard]] bool is(api::FaultCode fault) const { return kind == Kind::fault && code == static_cast<int>(fault); }
  [[nodiscard]] bool is_errno(int number) const { return kind == Kind::system && code == number; }
};

template <class T = void>
using Tried = std::expected<T, Failure>;

[[nodiscard]] std::unexpected<Failure> refused(const api::Fault& fault);
[[nodiscard]] std::unexpected<Failure> bad_status(int status, std::string reason);
[[nodiscard]] std::unexpected<Failure> system_failure(int code);
[[nodiscard]] std::unexpected<Failure> failed(std::string type, std::string text);

// "<class 'xmlrpc.client.Fault'>"
[[nodiscard]] std::string failure_class(const Failure& failure);
// "<Fault 92: 'CANT_REREAD: ...'>", "[Errno 111] Connection refused"
[[nodiscard]] std::string failure_message(const Failure& failure);
// The whole line, without newline.
[[nodiscard]] std::string describe(const Failure& failure);

}  // namespace sup::ctl
