// The two pages as text: what is known goes in, XHTML comes out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/entry.h"

namespace sup::web {

struct Row {
  std::string name;  // as namespec() writes it
  process::State state = process::State::stopped;
  std::string description;
};

// One row for each process, sorted by group and name.
[[nodiscard]] std::vector<Row> rows_of(const engine::Table& table, WallTime now);

// `message` is shown above the table unless it is empty. `year` is that of the footer.
[[nodiscard]] std::string status_page(const std::vector<Row>& rows, std::string_view message, int year);

// `text` is the log, or why there is none. An empty `process` was not given; otherwise the page can be refreshed with the
// same `limit`.
[[nodiscard]] std::string tail_page(std::string_view process, std::string_view text, long long limit);

}  // namespace sup::web
