// Resource limits of the calling process.
#pragma once

#include <sys/resource.h>

#include "base/result.h"

namespace sup::os {

struct Limit {
  rlim_t soft = RLIM_INFINITY;
  rlim_t hard = RLIM_INFINITY;

  bool operator==(const Limit&) const = default;
};

// `resource` is one of the RLIMIT_ constants, e.g. RLIMIT_NOFILE.
[[nodiscard]] Result<Limit> get_limit(int resource);
[[nodiscard]] Result<> set_limit(int resource, const Limit& limit);

}  // namespace sup::os
