// XML-RPC as bytes: requests in, replies out for the daemon; the other way round for the client.
//
// The layout of replies is the one Python's xmlrpc.client writes, so that nobody can tell them apart. What programs write
// plainly is read as it comes (plain_reader.h), everything else is parsed by pugixml, which expands no entities; size
// and depth are limited before the tree is walked.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "api/fault.h"
#include "api/value.h"
#include "base/result.h"

namespace sup::rpc {

struct Call {
  std::string method;
  std::vector<api::Value> params;
};

inline constexpr int usual_nesting = 100;

// The Error's text is Supervisor's word for what is wrong: "unmarshallable" or "no method name". `nesting`: how deep
// elements of a parameter may lie in each other.
[[nodiscard]] Result<Call> parse_call(std::string_view body, int nesting = usual_nesting);
[[nodiscard]] std::string write_call(const Call& call);

[[nodiscard]] std::string write_reply(const api::Answer<api::Value>& answer);
// An Error is a reply that is no XML-RPC; a Fault is an orderly answer.
[[nodiscard]] Result<api::Answer<api::Value>> parse_reply(std::string_view body);

// The same, always by way of pugixml: what the others turn to when there is more to a text than plain_reader.h knows.
[[nodiscard]] Result<Call> parse_any_call(std::string_view body, int nesting = usual_nesting);
[[nodiscard]] Result<api::Answer<api::Value>> parse_any_reply(std::string_view body);

}  // namespace sup::rpc
