// For the tests of output on its way: pipes, and the test as the keeper who holds what a manager leaves.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace sup::logs {

struct Pipe {
  UniqueFd out, in;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "pipe2";
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
};

inline UniqueFd copy(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

inline void put(const UniqueFd& fd, std::string_view bytes) {
  ASSERT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

using Held = std::map<std::string, UniqueFd>;

inline Held held_of(const std::vector<std::pair<std::string, int>>& heirlooms) {
  Held held;
  for (const auto& [name, fd] : heirlooms)
    held.emplace(name, copy(fd));
  return held;
}

}  // namespace sup::logs
