// One operation on many processes: runs it for each and collects the list of results that clients get.
//
// What is known at once comes first, in the order of the processes; what has to be waited for follows as it completes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "api/fault.h"
#include "api/operation.h"
#include "api/value.h"
#include "engine/entry.h"

namespace sup::ops {

// How one process came out: nothing, or the fault.
using ItemDone = std::move_only_function<void(api::Answer<void>)>;

// Does the work for one process. Returns whether its result has to be waited for (and thus is listed behind the others).
using ItemAction = std::move_only_function<bool(engine::Entry&, ItemDone)>;

void run_batch(const std::vector<engine::Entry*>& entries, ItemAction action, api::Reply reply);

// {name, group, status, description} of one result.
[[nodiscard]] api::Value result_item(const std::string& group, const std::string& name, const api::Answer<void>& answer);

}  // namespace sup::ops
