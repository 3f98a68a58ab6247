// Basic authentication of one request.
#pragma once

#include <string_view>

#include "http/server.h"

namespace sup::http {

enum class Admission : unsigned char {
  granted,
  missing,    // no credentials, or of another scheme
  wrong,      // not the right ones
  malformed,  // no base64, or not UTF-8
  colonless,  // decoded, but not USER:PASSWORD
};

// Takes about the same time for right and wrong credentials of one length.
[[nodiscard]] Admission admit(const Credentials& credentials, const Request& request);

// The status to answer; 200 for granted.
[[nodiscard]] int status_of(Admission admission);

}  // namespace sup::http
