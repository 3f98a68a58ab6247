#include "os/process_title.h"

#include <algorithm>
#include <cstring>

namespace sup::os {

namespace {

// The kernel lays the strings out one behind the other, and shows what stands there.
char* end_of_arguments(int argc, char** argv) {
  char* end = argv[0];
  for (int i = 0; i < argc && argv[i] == end; ++i) end += std::strlen(argv[i]) + 1;
  return end;
}

}  // namespace

void set_process_title(int argc, char** argv, std::string_view title) {
  if (argc == 0) return;
  char* const begin = argv[0];
  const auto room = static_cast<std::size_t>(end_of_arguments(argc, argv) - begin);
  std::memset(begin, 0, room);
  std::memcpy(begin, title.data(), std::min(title.size(), room - 1));
}

void hide_first_argument(int argc, char** argv) {
  if (argc < 2) return;
  char* const end = end_of_arguments(argc, argv);
  char* const hidden = argv[1];
  const std::size_t size = std::strlen(hidden) + 1;
  if (hidden + size > end) return;
  const auto rest = static_cast<std::size_t>(end - hidden) - size;
  std::memmove(hidden, hidden + size, rest);
  std::memset(hidden + rest, 0, size);
}

}  // namespace sup::os
