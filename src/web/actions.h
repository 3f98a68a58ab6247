// What the buttons do: operations of the table, and the sentence that the page shows afterwards.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/operation.h"
#include "base/time.h"
#include "engine/entry.h"

namespace sup::web {

// What the pages show and do is done with; all outlive the pages.
struct Subject {
  const api::OperationTable& operations;
  const engine::Table& table;
  const Clock& clock;
};

// Gets the sentence. Dropped uncalled when the operation never answers.
using Tell = std::move_only_function<void(std::string)>;

// Does the action change anything? False for "refresh" and for what is no action.
[[nodiscard]] bool is_change(std::string_view action);

// Does `action` on the process of that name, where it is about one, and tells when it is done: at once or later. False,
// without telling, when there is no such action.
[[nodiscard]] bool perform(const Subject& subject, std::string_view action, const std::string& process, Tell tell);

// The local time as C's ctime() and Python's time.ctime() write it: "Mon Nov  2 03:52:01 2026".
[[nodiscard]] std::string format_ctime(WallTime time);

}  // namespace sup::web
