// The keeper becomes a newer program: the same process, the same children, the same descriptors.
//
// What it knows goes through the exec in a memory file. Signals stay blocked all the time, so those that come meanwhile
// wait; children that end meanwhile wait to be reaped.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/version.h"
#include "keeper/loop.h"
#include "os/memory_file.h"

namespace sup::keeper {
namespace {

constexpr const char* state_name = "supervisord state";

template <class Use>
void for_each_descriptor(const SavedState& state, Use use) {
  for (const SavedChild& child : state.children) {
    for (const int fd : {child.in, child.out, child.err, child.process})
      if (fd >= 0) use(fd);
  }
  for (const auto& [name, fd] : state.held)
    if (fd >= 0) use(fd);
}

}  // namespace

SavedState Keeper::save() const {
  SavedState state;
  state.pid = getpid();
  state.version = version;
  state.program = starter_.program();
  state.daemonized = daemonized_;
  state.shutdown_signal = shutdown_signal_;
  state.deaths_since_order = deaths_since_order_;
  state.pending_signals = pending_signals_;
  state.open_files = spawner_.open_files();
  state.oom_score = spawner_.oom_score();
  for (const ProcessId id : table_.ids()) {
    const Entry& entry = *table_.find(id);
    state.children.push_back({id, entry.pid, entry.exited, entry.exit, entry.record, entry.in.get(), entry.out.get(),
                              entry.err.get(), entry.stop_signal, entry.stop_wait_ms, entry.stop_as_group,
                              entry.kill_as_group, entry.process.get()});
  }
  for (const auto& [name, fd] : held_)
    state.held[name] = fd.get();
  return state;
}

void Keeper::adopt(const SavedState& state) {
  pass_descriptors_on(state, false);
  fresh_ = false;
  served_ = true;
  daemonized_ = state.daemonized;
  shutdown_signal_ = state.shutdown_signal;
  deaths_since_order_ = state.deaths_since_order;
  pending_signals_ = state.pending_signals;
  if (state.open_files) spawner_.set_open_files(*state.open_files);
  spawner_.set_oom_score(state.oom_score);
  for (const SavedChild& child : state.children) {
    table_.adopt(child.id, {child.pid, child.exited, child.exit, child.record, UniqueFd(child.in), UniqueFd(child.out),
                            UniqueFd(child.err), child.stop_signal, child.stop_wait_ms, child.stop_as_group,
                            child.kill_as_group, UniqueFd(child.process)});
    if (child.process >= 0) watch_adopted(child.id);
  }
  for (const auto& [name, fd] : state.held)
    held_[name] = UniqueFd(fd);
  replacement_ = Replacement::done;
  // Whoever ended while nobody waited for SIGCHLD.
  reap();
}

void Keeper::on_inspect() {
  const auto state = os::write_memory_file(state_name, write_state(save()));
  Writer writer;
  writer.i32(state ? 0 : state.error().code);
  writer.u8(starter_.differs() ? 1 : 0);
  writer.text(starter_.program());
  send(Notice::inspected, 0, writer, {state ? state->get() : -1});
}

void Keeper::pass_descriptors_on(const SavedState& state, bool pass) const {
  for_each_descriptor(state, [pass](int fd) { fcntl(fd, F_SETFD, pass ? 0 : FD_CLOEXEC); });
}

// Returns when it could not be done; then everything is as before.
void Keeper::become_anew() {
  const SavedState state = save();
  const auto memory = os::write_memory_file(state_name, write_state(state));
  replacement_ = Replacement::failed;
  if (!memory) {
    replacement_error_ = memory.error().code;
    return;
  }
  pass_descriptors_on(state, true);
  fcntl(memory->get(), F_SETFD, 0);
  replacement_error_ = starter_.become(memory->get());
  pass_descriptors_on(state, false);
}

}  // namespace sup::keeper
