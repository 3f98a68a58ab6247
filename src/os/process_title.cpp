#include "os/process_title.h"

#include <algorithm>
#include <cstring>

namespace sup::os {

void set_process_title(int argc, char** argv, std::string_view title) {
  if (argc == 0) return;
  // The kernel lays the strings out one behind the other, and shows what stands there.
  char* const begin = argv[0];
  char* end = begin;
  for (int i = 0; i < argc && argv[i] == end; ++i) end += std::strlen(argv[i]) + 1;
  const auto room = static_cast<std::size_t>(end - begin);
  std::memset(begin, 0, room);
  std::memcpy(begin, title.data(), std::min(title.size(), room - 1));
}

}  // namespace sup::os
