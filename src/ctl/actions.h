// What the commands do. commands.cpp binds them to their names; see Command::run for the contract.
#pragma once

#include <string_view>

#include "ctl/failure.h"
#include "ctl/session.h"

namespace sup::ctl {

// status.cpp: looking
Tried<> status(Session& session, std::string_view arguments);
Tried<> pid(Session& session, std::string_view arguments);
Tried<> avail(Session& session, std::string_view arguments);
Tried<> version(Session& session, std::string_view arguments);

// control.cpp: processes
Tried<> start(Session& session, std::string_view arguments);
Tried<> stop(Session& session, std::string_view arguments);
Tried<> restart(Session& session, std::string_view arguments);
Tried<> signal(Session& session, std::string_view arguments);
Tried<> clear(Session& session, std::string_view arguments);

// groups.cpp: the configuration
Tried<> reread(Session& session, std::string_view arguments);
Tried<> update(Session& session, std::string_view arguments);
Tried<> add(Session& session, std::string_view arguments);
Tried<> remove(Session& session, std::string_view arguments);

// daemon.cpp: the daemon as a whole
Tried<> shutdown(Session& session, std::string_view arguments);
Tried<> upgrade(Session& session, std::string_view arguments);
Tried<> reload(Session& session, std::string_view arguments);
Tried<> open(Session& session, std::string_view arguments);

// tail.cpp and foreground.cpp: logs
Tried<> tail(Session& session, std::string_view arguments);
Tried<> maintail(Session& session, std::string_view arguments);
Tried<> foreground(Session& session, std::string_view arguments);

}  // namespace sup::ctl
