#include "config/diff.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace sup::config {
namespace {

// Variables have no order.
bool same_environment(const Environment& a, const Environment& b) {
  if (a == b) return true;
  if (a.size() != b.size()) return false;
  Environment left = a;
  Environment right = b;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

// A running program has a file, even if it is automatic: only what is AUTO from now on may be that same file.
bool same_log(const LogTarget& a, const LogTarget& b) {
  if (b.kind != LogTarget::Kind::automatic && (a.kind != b.kind || a.path != b.path)) return false;
  return a.max_bytes == b.max_bytes && a.backups == b.backups && a.capture_max_bytes == b.capture_max_bytes &&
         a.events == b.events && a.syslog == b.syslog;
}

bool same_instance(const InstanceOptions& a, const InstanceOptions& b) {
  return &a == &b || (a.command == b.command && a.directory == b.directory && same_log(a.out, b.out) &&
                      same_log(a.err, b.err) && same_environment(a.environment, b.environment));
}

// A user is his number, by whatever name the file calls him.
bool same_program(const ProgramOptions& a, const ProgramOptions& b) {
  if (&a == &b || a == b) return true;
  if (!a.user || !b.user || a.user->uid != b.user->uid) return false;
  ProgramOptions renamed = a;
  renamed.user = b.user;
  return renamed == b;
}

bool same_process(const Process& a, const Process& b) {
  return a.name == b.name && same_program(*a.program, *b.program) && same_instance(*a.instance, *b.instance);
}

bool same_pool(const std::optional<Pool>& a, const std::optional<Pool>& b) {
  if (a == b) return true;
  if (!a || !b || a->buffer_size != b->buffer_size) return false;
  if (a->length_in_bytes != b->length_in_bytes || a->retry_delay != b->retry_delay) return false;
  return std::is_permutation(a->events.begin(), a->events.end(), b->events.begin(), b->events.end());
}

}  // namespace

bool same(const Group& running, const Group& wanted) {
  return running.name == wanted.name && running.priority == wanted.priority && same_pool(running.pool, wanted.pool) &&
         running.sockets == wanted.sockets &&
         std::equal(running.processes.begin(), running.processes.end(), wanted.processes.begin(), wanted.processes.end(),
                    same_process);
}

Changes diff(const std::vector<const Group*>& running, const std::vector<std::shared_ptr<const Group>>& wanted) {
  std::unordered_map<std::string_view, const Group*> by_name;
  std::unordered_map<std::string_view, const Group*> wanted_by_name;
  for (const auto* group : running)
    by_name.emplace(group->name, group);
  Changes changes;
  for (const auto& group : wanted) {
    wanted_by_name.emplace(group->name, group.get());
    const auto found = by_name.find(group->name);
    if (found == by_name.end()) {
      changes.added.push_back(group->name);
    } else if (!same(*found->second, *group)) {
      changes.changed.push_back(group->name);
    }
  }
  for (const auto* group : running)
    if (!wanted_by_name.contains(group->name)) changes.removed.push_back(group->name);
  return changes;
}

}  // namespace sup::config
