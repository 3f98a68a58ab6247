// The listening sockets of FastCGI programs: one for all processes of a group that name the same URL.
//
// A socket exists while a process that uses it does, so that a group that is stopped accepts nothing. The keeper holds
// it as well: connections that wait in it are not lost with a manager.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/entry.h"
#include "engine/surroundings.h"

namespace sup::engine {

class FastCgi {
 public:
  // All outlive it.
  explicit FastCgi(const Surroundings& out);

  // Tries the group's sockets, so that a mistake is told at once and not at the first start. The groups are added
  // before anything else is asked about their processes; those without sockets are ignored.
  void add(const GroupEntry& group);
  // Instead of add(): takes back what a former manager had made, for the processes that run.
  void restore(const GroupEntry& group, const std::map<std::string, UniqueFd>& held);
  // All its processes are stopped.
  void remove(const GroupEntry& group);
  // The files in the file system, which otherwise stay where they are.
  void remove_files(const GroupEntry& group);

  // For a start: the socket's descriptor, which stays ours, made if the process is the first to use it; -1 for a
  // process that has none. The Error's text is the spawn error.
  [[nodiscard]] Result<int> acquire(const Entry& entry);
  // The start came to nothing, or the child was reaped.
  void release(const Entry& entry);

 private:
  struct Shared {
    UniqueFd fd;
    std::set<ProcessId> users;
  };
  using Key = std::pair<std::string, std::string>;  // group, URL

  [[nodiscard]] Result<> create(const Key& key, const config::FcgiSocket& socket);
  void close(const Key& key);

  keeper::Children& children_;
  Files& files_;
  Log& log_;
  std::map<Key, Shared> sockets_;
};

}  // namespace sup::engine
