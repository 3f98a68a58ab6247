#include "process/shutdown.h"

#include <utility>

namespace sup::process {

Shutdown::Shutdown(std::vector<std::vector<ProcessId>> groups) : groups_(std::move(groups)), open_(groups_.size()) {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    std::erase_if(groups_[group], [&](ProcessId id) { return !group_of_.emplace(id, group).second; });
    open_[group] = groups_[group].size();
    left_ += open_[group];
  }
  current_ = groups_.size();
}

std::vector<ProcessId> Shutdown::begin() {
  return next_group();
}

std::vector<ProcessId> Shutdown::stopped(ProcessId id) {
  const auto entry = group_of_.find(id);
  if (entry == group_of_.end()) return {};
  const std::size_t group = entry->second;
  group_of_.erase(entry);
  --left_;
  if (--open_[group] > 0 || group != current_) return {};
  return next_group();
}

std::vector<ProcessId> Shutdown::waiting() const {
  std::vector<ProcessId> ids;
  ids.reserve(left_);
  for (const auto& group : groups_) {
    for (const ProcessId id : group) {
      if (group_of_.contains(id)) ids.push_back(id);
    }
  }
  return ids;
}

std::vector<ProcessId> Shutdown::next_group() {
  std::vector<ProcessId> ids;
  while (ids.empty() && current_ > 0) {
    const auto& group = groups_[--current_];
    for (auto id = group.rbegin(); id != group.rend(); ++id) {
      if (group_of_.contains(*id)) ids.push_back(*id);
    }
  }
  return ids;
}

}  // namespace sup::process
