// How tables look on a terminal. Widths count characters, not bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sup::ctl {

// `text` followed by spaces up to `width` characters; longer text as it is.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

// Python's cmd.columnize(): names in as few lines as fit into `width`, down the columns, two spaces between these.
// Every line ends with a newline.
[[nodiscard]] std::string columnize(const std::vector<std::string>& names, std::size_t width);

}  // namespace sup::ctl
