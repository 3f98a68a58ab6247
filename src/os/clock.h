// The real clock.
#pragma once

#include "base/time.h"

namespace sup::os {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Now now() const override;
};

}  // namespace sup::os
