#include "config/dump.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sup::config {
namespace {

TEST(Dump, ShowsProblemsAsJson) {
  const Problem problem{"it's \"bad\"\n", {std::make_shared<const std::string>("/f"), 3}, ""};
  EXPECT_EQ(dump(std::vector{problem}),
            "{\"problems\": [{\"message\": \"it's \\\"bad\\\"\\u000a\", \"file\": \"/f\", \"line\": 3, \"hint\": "
            "\"\"}]}\n");
}

TEST(Dump, ShowsAbsentValuesAsNull) {
  EXPECT_EQ(dump(Ctl()),
            "{\"serverurl\": \"http://localhost:9001\", \"username\": null, \"password\": null, \"prompt\": "
            "\"supervisor\", \"history_file\": null}\n");
}

}  // namespace
}  // namespace sup::config
