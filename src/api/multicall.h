// system.multicall: many calls in one, in order, each waiting for the one before.
#pragma once

#include "api/operation.h"

namespace sup::api {

// `calls` is what the client sent. The table must outlive the last of the calls. Nothing is called when an entry of
// the list is no struct.
void multicall(const OperationTable& table, const Value& calls, Reply reply);

}  // namespace sup::api
