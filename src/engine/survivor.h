// Programs that outlived a supervisord which was killed, keeper and all. Their pipes are broken and their parent is init.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/unique_fd.h"
#include "engine/entry.h"

namespace sup::engine {

struct Survivor {
  std::string group;
  std::string name;
  std::uint64_t command = 0;  // the command_mark() that it was started with
  pid_t pid = 0;
  UniqueFd process;  // its pidfd
  Duration age{};
};

// Tells one command line from another.
[[nodiscard]] std::uint64_t command_mark(const config::Process& process);

enum class Fate : std::uint8_t { adopted, unwanted, unknown, changed, listener, fastcgi, second };
// What becomes of a survivor whose place is `entry`, if it has one.
[[nodiscard]] Fate fate_of(const Survivor& survivor, const Entry* entry, bool adopting);
// The same for the reader of a log.
[[nodiscard]] std::string_view describe(Fate fate);

}  // namespace sup::engine
