// A Config as JSON text, in the vocabulary of Supervisor's option names: for comparing readings of a file.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace sup::config {

// One object; objects and arrays of objects are broken into lines. Bytes that are not UTF-8 are passed on as they are.
[[nodiscard]] std::string dump(const Config& config);
[[nodiscard]] std::string dump(const Ctl& ctl);
[[nodiscard]] std::string dump(const std::vector<Problem>& problems);

}  // namespace sup::config
