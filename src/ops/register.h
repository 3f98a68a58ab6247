// All operations of Supervisor's API, added to the one table that every codec reads.
#pragma once

#include <string>

#include "api/operation.h"
#include "ops/context.h"

namespace sup::ops {

// Adds every operation as NAMESPACE.name. `context` must outlive the table.
void add_operations(api::OperationTable& table, const std::string& name_space, Context& context);

}  // namespace sup::ops
