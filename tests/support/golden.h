// One of each record that must outlive an upgrade, with every field set, and its fields as lines of text.
//
// tests/golden/VERSION/ has both as the release of that version wrote them. A later program must read the records and
// see at least those lines: new fields add lines, none may change.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/strings.h"
#include "daemon/snapshot.h"
#include "engine/record.h"
#include "keeper/state.h"

namespace sup::golden {

using Lines = std::vector<std::string>;

inline engine::ProcessRecord sample_process() {
  engine::ProcessRecord record;
  record.group = "mail";
  record.name = "mail_00";
  record.generation = 3;
  record.state = 30;
  record.failures = 2;
  record.deadline = 123456789012345;
  record.started = 123456000000000;
  record.start_wall = 1700000000123456789;
  record.stop_wall = 1700000001123456789;
  record.exit_status = -1;
  record.spawn_error = "can't find command 'x'";
  record.out_path = "/var/log/" + std::string(300, 'o');
  record.err_path = "/var/log/e";
  return record;
}

inline engine::SessionRecord sample_session() {
  engine::SessionRecord record;
  record.mood = -1;
  record.next_id = 77;
  record.generation = 4;
  record.event_serial = 1234567;
  record.groups = {{"mail", 3}, {"web:x", 4}};
  record.version = "1.2.3";
  record.successor = "1.3.0";
  return record;
}

inline keeper::SavedState sample_keeper() {
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
  state.children.push_back(
      {7, 100, false, {}, engine::write_record(sample_process()), 5, 6, 9, 15, 10000, true, false});
  state.children.push_back({8, 101, true, {9, 10, 20, 30}, "", -1, 11, -1, 2, 500, false, true});
  state.children.push_back({0xFFFFFFFF, 0, false, {}, engine::write_record(sample_session())});
  state.held = {{"configuration 4", 12}, {"listener unix:/run/supervisor.sock", 13}};
  return state;
}

inline daemon::Snapshot sample_snapshot() {
  return {{"main file", "/etc/supervisord.conf"},
          {"read_file /etc/supervisord.conf", "+[program:x]\ncommand=x\n"},
          {"glob /etc/*.conf", std::string("/etc/a.conf\0/etc/b.conf\0", 24)},
          {"uid", "+0"},
          {"gid_of nobody", "-"}};
}

inline Lines describe(const engine::ProcessRecord& r) {
  return {"group " + r.group,
          "name " + r.name,
          fmt::format("generation {}", r.generation),
          fmt::format("state {}", r.state),
          fmt::format("failures {}", r.failures),
          fmt::format("deadline {}", r.deadline.value_or(0)),
          fmt::format("started {}", r.started.value_or(0)),
          fmt::format("start_wall {}", r.start_wall),
          fmt::format("stop_wall {}", r.stop_wall),
          fmt::format("exit_status {}", r.exit_status.value_or(0)),
          "spawn_error " + r.spawn_error,
          "out_path " + r.out_path,
          "err_path " + r.err_path};
}

inline Lines describe(const engine::SessionRecord& r) {
  Lines lines{fmt::format("mood {}", r.mood),
              fmt::format("next_id {}", r.next_id),
              fmt::format("generation {}", r.generation),
              fmt::format("event_serial {}", r.event_serial),
              "version " + r.version,
              "successor " + r.successor};
  for (const auto& group : r.groups) lines.push_back(fmt::format("group {} {}", group.name, group.generation));
  return lines;
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
  }
  for (const auto& [name, fd] : s.held) lines.push_back(fmt::format("held {} {}", name, fd));
  return lines;
}

inline Lines describe(const daemon::Snapshot& snapshot) {
  Lines lines;
  for (const auto& [question, answer] : snapshot) {
    lines.push_back(python_bytes_repr(question) + " " + python_bytes_repr(answer));
  }
  return lines;
}

}  // namespace sup::golden
