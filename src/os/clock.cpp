#include "os/clock.h"

namespace sup::os {

Now SystemClock::now() const {
  return {std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()),
          std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())};
}

}  // namespace sup::os
