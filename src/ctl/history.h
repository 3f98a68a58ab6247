// The lines typed in earlier shells, in a file with one line per command.
#pragma once

#include <string>
#include <vector>

namespace sup::ctl {

// What can be read of the file; nothing when it cannot.
[[nodiscard]] std::vector<std::string> read_history(const std::string& path);
// Replaces the file, readable for its owner only. Failures do not matter.
void write_history(const std::string& path, const std::vector<std::string>& lines);

}  // namespace sup::ctl
