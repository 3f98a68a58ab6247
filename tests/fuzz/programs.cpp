// The file that tells which process is which program. What can be read says the same after it was written again, and
// nothing of it is a pid that must never be signalled. The first byte chooses whether a proper head stands before it.
#include "daemon/programs_file.h"

#include <algorithm>

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  using namespace sup::daemon;
  std::string_view bytes = text_of(data, size);
  const bool head = take_choice(bytes) % 4 != 0;
  const std::string space = "boot pid:[1]";
  const auto lines = read_lines((head ? programs_head(space) : std::string()) + std::string(bytes), space);
  std::string again = programs_head(space);
  for (const ProgramLine& line : lines) {
    require(line.pid > 1, "a pid is that of a process that could be a program");
    again += write_line(line);
  }
  // What has no name cannot be written.
  const bool named = std::ranges::none_of(lines, [](const ProgramLine& l) { return l.group.empty() || l.name.empty(); });
  require(!named || read_lines(again, space) == lines, "what was read stays as it is");
  require(named, "every program has a name");
  return 0;
}
