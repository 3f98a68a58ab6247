#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/option_names.h"
#include "events/event.h"

namespace sup::process {
namespace {

TEST(EventNames, AreTheSameForListenersAndForEvents) {
  const auto names = config::event_names();
  std::vector<std::string> configured(names.begin(), names.end());
  auto emitted = events::type_names();
  std::sort(configured.begin(), configured.end());
  std::sort(emitted.begin(), emitted.end());
  EXPECT_EQ(configured, emitted);
}

}  // namespace
}  // namespace sup::process
