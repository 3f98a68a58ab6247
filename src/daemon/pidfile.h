// The pidfile, and its lock: it stays locked as long as keeper or manager live, so that nobody starts a second daemon
// beside the first by accident.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace sup::daemon {

// The name under which the keeper holds it.
inline constexpr const char* pidfile_name = "pidfile";

// An Error when another supervisord has locked it; its text is for the usage exit. Changes nothing.
[[nodiscard]] Result<> check_pidfile(const std::string& path);

// Writes and locks it. No descriptor when it could not be written, which is only logged, as Supervisor does; an Error as
// above. What cannot be locked (a device, a file system without locks) is written all the same. In a folder where
// everybody may write, links and files of others are removed first, locked or not.
[[nodiscard]] Result<UniqueFd> claim_pidfile(const std::string& path, pid_t pid, Log& log);

// Is the named file this open one, and is it locked, so that no other supervisord can have it?
[[nodiscard]] bool owns_pidfile(const std::string& path, const UniqueFd& file);

// Removes it and lets go of the lock, whoever else has the descriptor.
void remove_pidfile(const std::string& path, const UniqueFd& file);

}  // namespace sup::daemon
