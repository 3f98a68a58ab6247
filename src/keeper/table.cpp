#include "keeper/table.h"

#include <algorithm>
#include <utility>

namespace sup::keeper {

Entry* Table::find(ProcessId id) {
  const auto found = entries_.find(id);
  return found != entries_.end() ? &found->second : nullptr;
}

const Entry* Table::find(ProcessId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() ? &found->second : nullptr;
}

void Table::started(ProcessId id, Spawned child) {
  Entry& entry = entries_[id];
  entry.pid = child.pid;
  entry.exited = false;
  entry.in = std::move(child.in);
  entry.out = std::move(child.out);
  entry.err = std::move(child.err);
  by_pid_[child.pid] = id;
}

ProcessId Table::reaped(pid_t pid, const Exit& exit) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end()) return 0;
  const ProcessId id = found->second;
  by_pid_.erase(found);
  Entry& entry = entries_[id];
  entry.exited = true;
  entry.exit = exit;
  return id;
}

void Table::adopt(ProcessId id, Entry entry) {
  if (entry.adopted()) {
    ++adopted_;
  } else if (entry.running()) {
    by_pid_[entry.pid] = id;
  }
  entries_[id] = std::move(entry);
}

void Table::ended(ProcessId id) {
  Entry* entry = find(id);
  if (entry == nullptr || !entry->adopted()) return;
  --adopted_;
  entry->process.reset();
  entry->exited = true;
  entry->exit = {.status = status_unknown};
}

void Table::acknowledge(ProcessId id) {
  Entry* entry = find(id);
  if (entry == nullptr || !entry->exited) return;
  entry->pid = 0;
  entry->exited = false;
  entry->in.reset();
  entry->out.reset();
  entry->err.reset();
}

void Table::drop(ProcessId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  if (found->second.adopted()) {
    --adopted_;
  } else if (found->second.running()) {
    by_pid_.erase(found->second.pid);
  }
  entries_.erase(found);
}

void Table::clear() {
  entries_.clear();
  by_pid_.clear();
  adopted_ = 0;
}

std::vector<ProcessId> Table::ids() const {
  std::vector<ProcessId> ids;
  ids.reserve(entries_.size());
  for (const auto& [id, entry] : entries_)
    ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace sup::keeper
