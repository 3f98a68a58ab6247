// XML-RPC as programs write it, read in one pass and without a tree: elements without attributes in the order of the
// specification, text with the five entities. That is nearly every call and every reply.
//
// Whatever else there is (comments, CDATA, character references, odd elements, mistakes, faults) answers nullopt and is
// for reader.h, which understands it or says why not. What is read here is what reader.h would have made of it.
#pragma once

#include <optional>
#include <string_view>

#include "api/value.h"
#include "rpc/xmlrpc.h"

namespace sup::rpc {

[[nodiscard]] std::optional<Call> read_plain_call(std::string_view body);
[[nodiscard]] std::optional<api::Value> read_plain_reply(std::string_view body);

}  // namespace sup::rpc
