// Logs that are watched as they grow.
#pragma once

#include <string>

#include "ctl/failure.h"
#include "ctl/session.h"

namespace sup::ctl {

// Shows what `path` of the HTTP server delivers until Ctrl-C or until the server ends it.
Tried<> follow_log(Session& session, const std::string& path);

// The line on standard error when a stream cannot be read.
[[nodiscard]] std::string stream_problem(const std::string& server_url, const std::string& path,
                                         const Failure& failure);

}  // namespace sup::ctl
