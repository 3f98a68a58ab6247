#include "os/process_title.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sup::os {
namespace {

// Arguments as the kernel lays them out.
struct Arguments {
  explicit Arguments(std::string text) : bytes(std::move(text)) {
    for (std::size_t at = 0; at < bytes.size(); at = bytes.find('\0', at) + 1)
      argv.push_back(bytes.data() + at);
  }
  [[nodiscard]] int argc() const { return static_cast<int>(argv.size()); }

  std::string bytes;
  std::vector<char*> argv;
};

TEST(FirstArgument, IsHiddenAndTheOthersMoveUp) {
  Arguments arguments(std::string("supervisord\0--keeper=3\0-c\0x.conf\0", 34));
  hide_first_argument(arguments.argc(), arguments.argv.data());
  EXPECT_EQ(arguments.bytes, std::string("supervisord\0-c\0x.conf\0", 22) + std::string(12, '\0'));
}

TEST(FirstArgument, IsHiddenWhenItIsTheOnlyOne) {
  Arguments arguments(std::string("x\0--keeper=3\0", 14));
  hide_first_argument(arguments.argc(), arguments.argv.data());
  EXPECT_EQ(arguments.bytes, std::string("x\0", 2) + std::string(12, '\0'));
}

TEST(Title, ReplacesAllArguments) {
  Arguments arguments(std::string("program\0and arguments\0", 22));
  set_process_title(arguments.argc(), arguments.argv.data(), "title");
  EXPECT_EQ(arguments.bytes, "title" + std::string(17, '\0'));
}

}  // namespace
}  // namespace sup::os
