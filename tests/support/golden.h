// One of each record that must outlive an upgrade, or the daemon, with every field set, and its fields as lines of text.
//
// tests/golden/VERSION/ has both as the release of that version wrote them. A later program must read the records and
// see at least those lines: new fields add lines, none may change.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/strings.h"
#include "daemon/programs_file.h"
#include "daemon/snapshot.h"
#include "engine/record.h"
#include "keeper/state.h"
#include "logs/transit.h"
#include "os/memory_file.h"
#include "process/journal.h"
#include "support/saved_state.h"

namespace sup::golden {

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
  return full_state(engine::write_record(sample_process()), engine::write_record(sample_session()));
}

inline daemon::Snapshot sample_snapshot() {
  return {{"main file", "/etc/supervisord.conf"},
          {"read_file /etc/supervisord.conf", "+[program:x]\ncommand=x\n"},
          {"glob /etc/*.conf", std::string("/etc/a.conf\0/etc/b.conf\0", 24)},
          {"uid", "+0"},
          {"gid_of nobody", "-"}};
}

// What a pool notes while things happen: every kind of note.
inline std::string sample_pool() {
  process::Notes notes;
  const auto accept = [&](std::uint64_t serial, events::Type type, std::string body) {
    notes.accepted({std::make_shared<const events::Event>(events::Event{type, std::move(body)}), serial, serial / 2});
  };
  accept(100, events::Type::tick_5, "lost");
  accept(102, events::Type::tick_60, "done");
  accept(104, events::Type::remote_communication, std::string("type:a\n\0b", 9));
  accept(106, events::Type::process_state_running, "waits");
  accept(108, events::Type::process_log_stdout, "");
  notes.lost();
  notes.sent(7);
  notes.heard(7, 12);
  notes.done(7);
  notes.listener(7, process::Listener(process::ListenerState::acknowledged, "REA"));
  notes.sent(8);
  notes.returned(8);
  notes.listener(8, process::Listener(process::ListenerState::unknown, ""));
  notes.sent(9);
  notes.listener(9, process::Listener(process::ListenerState::busy, "RESULT 2"));
  notes.heard(9, 300);
  notes.serials(1000, 77);
  return notes.take().joined();
}

inline const std::string programs_space = "0aed1dfa-a6d2-4bcd-a9e8-05d6a3a5a2a1 pid:[4026531836]";
inline std::vector<daemon::ProgramLine> sample_programs() {
  return {{"mail", "mail_00", 0x0123456789abcdef, 4711, 123456}, {"a b", "%c\xff", ~0ULL, 2147483647, 1ULL << 40}};
}

// ---- memory with much nothing in it: the blocks that have something, each behind its place

constexpr std::size_t block = 64;

inline std::string compress(std::string_view memory) {
  std::string out;
  const auto number = [&](std::size_t value) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  };
  number(memory.size());
  for (std::size_t at = 0; at < memory.size(); at += block) {
    const std::string_view bytes = memory.substr(at, block);
    if (std::ranges::all_of(bytes, [](char c) { return c == 0; })) continue;
    number(at);
    out += bytes;
    out.append(block - bytes.size(), '\0');
  }
  return out;
}

inline std::string decompress(std::string_view bytes) {
  const auto number = [&] {
    std::size_t value = 0;
    for (std::size_t i = std::min<std::size_t>(4, bytes.size()); i > 0; --i) {
      value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    }
    bytes.remove_prefix(std::min<std::size_t>(4, bytes.size()));
    return value;
  };
  std::string memory(number(), '\0');
  while (bytes.size() >= 4 + block) {
    const std::size_t at = number();
    std::memcpy(memory.data() + at, bytes.data(), std::min(block, memory.size() - at));
    bytes.remove_prefix(block);
  }
  return memory;
}

// ---- what is on its way to a log

constexpr ProcessId filtered = 9;

inline Result<std::string> sample_transit() {
  logs::Transit transit;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error("pipe2", {}, errno));
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  const int slot = transit.slot(filtered, Channel::out);
  logs::FilterState state;
  state.stripper = 2;
  state.capturing = true;
  state.held_size = 7;
  std::memcpy(state.held, "<!--XSU", 7);
  transit.end_of_stream(filtered, Channel::out);
  transit.done(slot, state);
  if (write(in.get(), "carried bytes\n", 14) != 14 || transit.take(out.get(), 7, Channel::err) != 14) {
    return fail("the transit carries nothing");
  }
  transit.writing(logs::FileMark{1, 2, 300}, 5);
  transit.written();
  transit.writing(logs::FileMark{11, 22, 3333}, 4);
  transit.rotation_step().store(4);
  const auto memory = os::read_memory_file(transit.heirlooms().at(0).second);
  if (!memory) return std::unexpected(memory.error());
  return compress(*memory);
}

inline Result<std::unique_ptr<logs::Transit>> read_transit(std::string_view record) {
  const std::string bytes = decompress(record);
  std::map<std::string, UniqueFd> held;
  UniqueFd& memory = held["log transit memory"];
  memory.reset(memfd_create("golden", MFD_CLOEXEC));
  int ends[2];
  if (!memory || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail("no memory or no pipe");
  held["log transit belt, out"].reset(ends[0]);
  held["log transit belt, in"].reset(ends[1]);
  if (write(memory.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return fail("no room");
  auto transit = logs::Transit::inherit(held);
  if (!transit) return fail("of another format");
  return transit;
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

inline Lines describe(const process::PoolPicture& picture) {
  Lines lines{fmt::format("serials {} {}", picture.next_serial, picture.next_pool_serial)};
  const auto item = [](const process::PoolItem& i) {
    return fmt::format("{} {} {} {}", i.serial, i.pool_serial, events::type_name(i.event->type),
                       python_bytes_repr(i.event->body));
  };
  for (std::size_t i = 0; i < picture.buffer.size(); ++i) {
    lines.push_back(fmt::format("waits {} {}", i, item(picture.buffer[i])));
  }
  for (const auto& m : picture.members) {
    lines.push_back(fmt::format("member {} {} {} heard {}", m.id, process::listener_state_name(m.listener.state()),
                                python_bytes_repr(m.listener.unfinished()), m.heard));
    if (m.item) lines.push_back(fmt::format("member {} works on {}", m.id, item(*m.item)));
  }
  return lines;
}

inline Lines describe(const std::vector<daemon::ProgramLine>& programs) {
  Lines lines;
  for (const auto& p : programs) {
    lines.push_back(fmt::format("program {} {} command {} pid {} start {}", python_bytes_repr(p.group),
                                python_bytes_repr(p.name), p.command, p.pid, p.start));
  }
  return lines;
}

inline Lines describe(const std::unique_ptr<logs::Transit>& transit) {
  Lines lines;
  if (const auto left = transit->left()) {
    const logs::FileMark log = left->log.value_or(logs::FileMark{});
    lines.push_back(fmt::format("left {} {} end {} written {} length {} step {}", left->id, static_cast<int>(left->channel),
                                left->end_of_stream, left->written, left->length, left->rotation_step));
    lines.push_back(fmt::format("log {} {} {}", log.device, log.inode, log.size));
  }
  const auto bytes = transit->bytes();
  lines.push_back("bytes " + python_bytes_repr({bytes.data(), bytes.size()}));
  const logs::FilterState state = transit->filter_state(transit->slot(filtered, Channel::out));
  lines.push_back(fmt::format("filter {} {} {}", state.stripper, state.capturing,
                              python_bytes_repr({state.held, state.held_size})));
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
