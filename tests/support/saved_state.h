// The state of a keeper with every field set, and its fields as lines of text.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/strings.h"
#include "keeper/state.h"

namespace sup::golden {

using Lines = std::vector<std::string>;

// The records are those of a process and of the session.
inline keeper::SavedState full_state(const std::string& process, const std::string& session) {
  keeper::SavedState state;
  state.pid = 4242;
  state.version = "1.2.3";
  state.program = "/usr/bin/supervisord";
  state.daemonized = true;
  state.shutdown_signal = 15;
  state.deaths_since_order = 1;
  state.pending_signals = {1, 12};
  state.open_files = os::Limit{1024, 4096};
  state.oom_score = "-17";
  state.children.push_back({7, 100, false, {}, process, 5, 6, 9, 15, 10000, true, false});
  state.children.push_back({8, 101, true, {9, 10, 20, 30}, "", -1, 11, -1, 2, 500, false, true});
  state.children.push_back({9, 102, false, {}, "adopted", -1, -1, -1, 15, 10000, false, false, 14});
  state.children.push_back({0xFFFFFFFF, 0, false, {}, session});
  state.held = {{"configuration 4", 12}, {"listener unix:/run/supervisor.sock", 13}};
  return state;
}

inline Lines describe(const keeper::SavedState& s) {
  const os::Limit limit = s.open_files.value_or(os::Limit{});
  Lines lines{fmt::format("pid {}", s.pid),
              "version " + s.version,
              "program " + s.program,
              fmt::format("daemonized {}", s.daemonized),
              fmt::format("shutdown_signal {}", s.shutdown_signal),
              fmt::format("deaths_since_order {}", s.deaths_since_order),
              fmt::format("open_files {} {}", limit.soft, limit.hard),
              "oom_score " + s.oom_score};
  for (const int signal : s.pending_signals) lines.push_back(fmt::format("pending_signal {}", signal));
  for (const auto& c : s.children) {
    lines.push_back(fmt::format("child {} pid {} exited {} exit {} {} {} {}", c.id, c.pid, c.exited, c.exit.status,
                                c.exit.user_usec, c.exit.system_usec, c.exit.max_rss_kb));
    lines.push_back(fmt::format("child {} fds {} {} {} record {}", c.id, c.in, c.out, c.err, python_bytes_repr(c.record)));
    lines.push_back(fmt::format("child {} stop {} {} {} {}", c.id, c.stop_signal, c.stop_wait_ms, c.stop_as_group,
                                c.kill_as_group));
    lines.push_back(fmt::format("child {} process {}", c.id, c.process));
  }
  for (const auto& [name, fd] : s.held) lines.push_back(fmt::format("held {} {}", name, fd));
  return lines;
}

}  // namespace sup::golden
