#include "os/memory_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sup::os {
namespace {

TEST(MemoryFile, HoldsWhatWasWritten) {
  const std::string bytes = std::string(3'000'000, 'x') + std::string("\0end", 4);
  const auto file = write_memory_file("test", bytes);
  ASSERT_TRUE(file);
  lseek(file->get(), 5, SEEK_SET);
  EXPECT_EQ(read_memory_file(file->get()), bytes);
}

TEST(MemoryFile, CannotBeChanged) {
  const auto file = write_memory_file("test", "abc");
  ASSERT_TRUE(file);
  EXPECT_EQ(write(file->get(), "x", 1), -1);
  EXPECT_EQ(ftruncate(file->get(), 0), -1);
}

TEST(MemoryFile, OfAnotherKindIsAnError) { EXPECT_FALSE(read_memory_file(-1)); }

}  // namespace
}  // namespace sup::os
