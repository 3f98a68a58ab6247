// Files in folders where everybody may create some, such as /tmp: what others may have put there is not to be followed,
// written or made theirs.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace sup::os {

// May everybody create files in the folder of that path? A folder that cannot be asked counts as one.
[[nodiscard]] bool is_in_shared_folder(const std::string& path);

// Is the open file a regular one that belongs to us or to root, and has no other name?
[[nodiscard]] bool is_private_file(int fd);

// Sets mode and owner (-1: as it is) of the unix socket at `path`, which was just bound there; fails when there is
// something else by now. Never of what a link points to.
[[nodiscard]] Result<> set_socket_mode(const std::string& path, mode_t mode);
[[nodiscard]] Result<> set_socket_owner(const std::string& path, uid_t uid, gid_t gid);

}  // namespace sup::os
