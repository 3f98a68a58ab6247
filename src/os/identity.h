// Users: who a configured `user=` is, and becoming that user for good.
//
// The error texts are Supervisor's: they end up in its log and in its usage messages. Look-ups go through NSS and may
// block; nothing here is for code that runs after a fork.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sup::os {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;  // its primary group
};

// A user by name or, when the text is a whole number, by uid. Errors: "Can't find username 'x'", "Can't find uid 7".
[[nodiscard]] Result<User> find_user(std::string_view name_or_uid);
[[nodiscard]] Result<User> find_user(uid_t uid);

// What setgroups(2) should get for this user: the primary group first, then every group that lists the user.
[[nodiscard]] std::vector<gid_t> groups_of(const User& user);

// The calling process becomes `uid` for good. Nothing to do, and success, if it is that user already. Errors are those
// of a process that is not root ("Can't drop privilege as nonroot user") and of the system calls.
[[nodiscard]] Result<> drop_privileges(uid_t uid, gid_t gid, std::span<const gid_t> groups);

}  // namespace sup::os
