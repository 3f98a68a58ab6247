// How a function that can fail says so: with a value or an Error, never with an exception.
//
// An Error is a sentence for a person plus the errno it came from, if it came from one. It is made where the failure
// is seen and gets its context ("could not open PATH: ...") from the caller that knows it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sup {

struct Error {
  int code = 0;      // an errno value, or 0
  std::string text;  // one sentence, no trailing newline
};

template <class T = void>
using Result = std::expected<T, Error>;

// For `return fail("...")` from any function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> fail(std::string text, int code = 0) {
  return std::unexpected(Error{code, std::move(text)});
}

// "CALL SUBJECT: strerror(code)", e.g. "open /x/y: No such file or directory"; SUBJECT may be empty.
[[nodiscard]] Error system_error(std::string_view call, std::string_view subject, int code);

// The symbol of an errno value, "ENOENT"; its number as text where it has none. Supervisor's messages show these.
[[nodiscard]] std::string errno_name(int code);

}  // namespace sup
