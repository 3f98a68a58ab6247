// Values as XML-RPC text, laid out as Python's xmlrpc.client lays it out.
#pragma once

#include <string>
#include <string_view>

#include "api/value.h"

namespace sup::rpc {

// Appends `text` with &, < and > escaped and with U+FFFD for all that XML 1.0 cannot hold.
void append_text(std::string& out, std::string_view text);

// Appends <value>...</value> and a newline.
void append_value(std::string& out, const api::Value& value);

// About how long append_value's text will be, for reserve().
[[nodiscard]] std::size_t estimate_size(const api::Value& value);

}  // namespace sup::rpc
