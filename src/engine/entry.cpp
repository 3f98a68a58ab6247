#include "engine/entry.h"

#include <algorithm>

namespace sup::engine {

Entry* GroupEntry::find(std::string_view name) const {
  const auto at = std::lower_bound(by_name.begin(), by_name.end(), name,
                                   [](const Entry* entry, std::string_view key) { return entry->config.name < key; });
  return at != by_name.end() && (*at)->config.name == name ? *at : nullptr;
}

std::vector<Entry*> GroupEntry::by_priority() const {
  std::vector<Entry*> sorted;
  sorted.reserve(entries.size());
  for (const auto& entry : entries) sorted.push_back(entry.get());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Entry* a, const Entry* b) {
    return a->config.program->priority < b->config.program->priority;
  });
  return sorted;
}

GroupEntry* Table::add(std::shared_ptr<const config::Group> config, std::uint32_t generation) {
  if (groups_.contains(config->name)) return nullptr;
  auto group = std::make_unique<GroupEntry>();
  group->config = std::move(config);
  group->generation = generation;
  group->arrival = ++arrivals_;
  group->entries.reserve(group->config->processes.size());
  const std::vector<LogPaths>* logs = former_logs(group->config);
  for (const config::Process& process : group->config->processes) {
    auto entry = std::make_unique<Entry>(next_id_++, *group, process);
    const std::size_t number = group->entries.size();
    const auto& sockets = group->config->sockets;
    if (number < sockets.size() && sockets[number]) entry->socket = &*sockets[number];
    if (logs != nullptr) {
      entry->out_path = (*logs)[number].out;
      entry->err_path = (*logs)[number].err;
    }
    entries_.emplace(entry->id, entry.get());
    group->by_name.push_back(entry.get());
    group->entries.push_back(std::move(entry));
  }
  std::stable_sort(group->by_name.begin(), group->by_name.end(),
                   [](const Entry* a, const Entry* b) { return a->config.name < b->config.name; });
  GroupEntry* added = group.get();
  groups_.emplace(added->config->name, std::move(group));
  return added;
}

void Table::remove(const std::string& name) {
  const auto at = groups_.find(name);
  if (at == groups_.end()) return;
  keep_logs(*at->second);
  for (const auto& entry : at->second->entries) entries_.erase(entry->id);
  groups_.erase(at);
}

void Table::keep_logs(const GroupEntry& group) {
  if (former_.size() >= tidy_at_) {
    std::erase_if(former_, [](const auto& former) { return former.first.expired(); });
    tidy_at_ = std::max(tidy_at_, 2 * former_.size());
  }
  std::vector<LogPaths>& logs = former_[group.config];
  logs.clear();
  for (const auto& entry : group.entries) logs.push_back({entry->out_path, entry->err_path});
}

const std::vector<LogPaths>* Table::former_logs(const std::shared_ptr<const config::Group>& config) const {
  const auto at = former_.find(config);
  return at == former_.end() ? nullptr : &at->second;
}

GroupEntry* Table::group(std::string_view name) const {
  const auto at = groups_.find(name);
  return at == groups_.end() ? nullptr : at->second.get();
}

Entry* Table::find(ProcessId id) const {
  const auto at = entries_.find(id);
  return at == entries_.end() ? nullptr : at->second;
}

template <class Less>
std::vector<GroupEntry*> Table::sorted(Less less) const {
  std::vector<GroupEntry*> groups;
  groups.reserve(groups_.size());
  for (const auto& [name, group] : groups_) groups.push_back(group.get());
  std::stable_sort(groups.begin(), groups.end(), less);
  return groups;
}

std::vector<GroupEntry*> Table::in_order() const {
  return sorted([](const GroupEntry* a, const GroupEntry* b) {
    return std::pair(a->config->priority, a->arrival) < std::pair(b->config->priority, b->arrival);
  });
}

std::vector<GroupEntry*> Table::by_arrival() const {
  return sorted([](const GroupEntry* a, const GroupEntry* b) { return a->arrival < b->arrival; });
}

void Table::renumber(Entry& entry, ProcessId id) {
  entries_.erase(entry.id);
  entry.id = id;
  entries_.emplace(id, &entry);
}

std::string namespec(const Entry& entry) {
  const std::string& group = entry.group->config->name;
  return group == entry.config.name ? entry.config.name : group + ":" + entry.config.name;
}

}  // namespace sup::engine
