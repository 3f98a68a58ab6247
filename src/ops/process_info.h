// What a client is shown of a process: the structs of getProcessInfo and getAllConfigInfo.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "api/sink.h"
#include "api/value.h"
#include "base/time.h"
#include "config/config.h"
#include "engine/entry.h"

namespace sup::ops {

// Tells the struct of getProcessInfo.
void tell_process_info(const engine::Entry& entry, WallTime now, api::Sink& sink);
// About how many bytes of XML that is.
inline constexpr std::size_t process_info_size = 1280;

// The text behind the state in `status`: "pid 42, uptime 0:11:45", "Nov 22 05:12 PM", an error, or nothing.
[[nodiscard]] std::string description(const engine::Entry& entry, WallTime now);

// "0:11:45", "1 day, 2:03:04": Python's str(timedelta) of whole seconds; negative ones count as none.
[[nodiscard]] std::string format_uptime(long long seconds);

// `paths`: where the process logs, or did before its group was removed, if this configuration has been in use; its real
// AUTO log paths are shown.
[[nodiscard]] api::Value config_info(const config::Group& group, const config::Process& process, bool in_use,
                                     const std::optional<engine::LogPaths>& paths);

}  // namespace sup::ops
