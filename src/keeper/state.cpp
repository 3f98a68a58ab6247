#include "keeper/state.h"

#include <algorithm>
#include <utility>

#include "keeper/protocol.h"
#include "keeper/wire.h"

namespace sup::keeper {
namespace {

constexpr std::string_view magic = "SUPKEEPR";
constexpr std::uint32_t state_version = 2;
// Of the reader: one that does not know adopted processes would never learn of their ends.
constexpr std::uint32_t needs_version = 1;
constexpr std::uint32_t needs_version_if_adopted = 2;

enum Section : std::uint8_t { section_end = 0, section_keeper = 1, section_child = 2, section_held = 3 };
enum ChildFlag : std::uint32_t { child_exited = 1, child_stop_as_group = 2, child_kill_as_group = 4 };

void write_section(Writer& out, Section kind, const Writer& section) {
  out.u8(kind);
  out.text(section.bytes());
}

Writer keeper_section(const SavedState& state) {
  Writer out;
  out.i32(state.pid);
  out.text(state.version);
  out.text(state.program);
  out.u8(state.daemonized ? 1 : 0);
  out.i32(state.shutdown_signal);
  out.i32(state.deaths_since_order);
  out.u32(static_cast<std::uint32_t>(state.pending_signals.size()));
  for (const int signal : state.pending_signals)
    out.i32(signal);
  const os::Limit limit = state.open_files.value_or(os::Limit{});
  out.u8(state.open_files ? 1 : 0);
  out.u64(limit.soft);
  out.u64(limit.hard);
  out.text(state.oom_score);
  return out;
}

bool read_keeper(Reader in, SavedState& state) {
  state.pid = in.i32();
  state.version = in.text();
  state.program = in.text();
  state.daemonized = in.u8() != 0;
  state.shutdown_signal = in.i32();
  state.deaths_since_order = in.i32();
  state.pending_signals.resize(in.count(sizeof(std::int32_t)));
  for (int& signal : state.pending_signals)
    signal = in.i32();
  const bool limited = in.u8() != 0;
  os::Limit limit;
  limit.soft = in.u64();
  limit.hard = in.u64();
  if (limited) state.open_files = limit;
  state.oom_score = in.text();
  return in.ok();
}

Writer child_section(const SavedChild& child) {
  Writer out;
  out.u32(child.id);
  out.i32(child.pid);
  out.u32((child.exited ? child_exited : 0U) | (child.stop_as_group ? child_stop_as_group : 0U) |
          (child.kill_as_group ? child_kill_as_group : 0U));
  encode(out, child.exit);
  out.i32(child.in);
  out.i32(child.out);
  out.i32(child.err);
  out.i32(child.stop_signal);
  out.u32(child.stop_wait_ms);
  out.text(child.record);
  out.i32(child.process);
  return out;
}

bool read_child(Reader in, SavedState& state) {
  SavedChild child;
  child.id = in.u32();
  child.pid = in.i32();
  const std::uint32_t flags = in.u32();
  child.exited = (flags & child_exited) != 0;
  child.stop_as_group = (flags & child_stop_as_group) != 0;
  child.kill_as_group = (flags & child_kill_as_group) != 0;
  if (!decode(in, child.exit)) return false;
  child.in = in.i32();
  child.out = in.i32();
  child.err = in.i32();
  child.stop_signal = in.i32();
  child.stop_wait_ms = in.u32();
  child.record = in.text();
  if (!in.at_end()) child.process = in.i32();
  if (!in.ok() || child.id == 0 || child.pid < 0) return false;
  state.children.push_back(std::move(child));
  return true;
}

bool read_held(Reader in, SavedState& state) {
  const std::string name(in.text());
  const int fd = in.i32();
  if (in.ok()) state.held[name] = fd;
  return in.ok();
}

bool read_section(std::uint8_t kind, std::string_view bytes, SavedState& state) {
  switch (kind) {
    case section_keeper:
      return read_keeper(Reader(bytes), state);
    case section_child:
      return read_child(Reader(bytes), state);
    case section_held:
      return read_held(Reader(bytes), state);
    default:
      return true;
  }
}

}  // namespace

std::string write_state(const SavedState& state) {
  Writer out;
  for (const char byte : magic)
    out.u8(static_cast<std::uint8_t>(byte));
  out.u32(state_version);
  const bool adopted = std::ranges::any_of(state.children, [](const SavedChild& child) { return child.process >= 0; });
  out.u32(adopted ? needs_version_if_adopted : needs_version);
  write_section(out, section_keeper, keeper_section(state));
  for (const SavedChild& child : state.children)
    write_section(out, section_child, child_section(child));
  for (const auto& [name, fd] : state.held) {
    Writer section;
    section.text(name);
    section.i32(fd);
    write_section(out, section_held, section);
  }
  write_section(out, section_end, Writer());
  return out.bytes();
}

Result<SavedState> read_state(std::string_view bytes) {
  if (!bytes.starts_with(magic)) return fail("the bytes are no state of a keeper");
  Reader in(bytes.substr(magic.size()));
  in.u32();  // version: all that matters is what the reader must know
  if (const std::uint32_t needs = in.u32(); needs > state_version) {
    return fail("the keeper's state needs a program that reads version " + std::to_string(needs) + " of it");
  }
  SavedState state;
  bool whole = false;
  while (in.ok() && !whole) {
    const std::uint8_t kind = in.u8();
    const std::string_view section = in.text();
    if (!in.ok()) break;
    if (!read_section(kind, section, state)) return fail("the keeper's state is damaged");
    whole = kind == section_end;
  }
  if (!whole || state.pid <= 0) return fail("the keeper's state is cut off");
  return state;
}

}  // namespace sup::keeper
