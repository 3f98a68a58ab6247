// Files that exist only in memory (memfd), to hand bytes to another process as a descriptor.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sup::os {

// A sealed one that holds `bytes`: nobody can change it any more. `name` is what /proc shows.
[[nodiscard]] Result<UniqueFd> write_memory_file(const char* name, std::string_view bytes);
// All of it, or of any file that can be read from its beginning; where the descriptor stands does not matter.
[[nodiscard]] Result<std::string> read_memory_file(int fd);

}  // namespace sup::os
