// Starting processes: pipes, argument and environment arrays, the descriptors' way into the child.
//
// One Spawner per process. It reserves four low descriptors as a staging area, so that the cheapest method of
// keeper/child.h works however many descriptors are open, and steps down to a dearer one, for good, where the kernel
// or a seccomp filter refuses it.
#pragma once

#include <sys/types.h>

#include <array>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "keeper/child.h"
#include "keeper/plan.h"
#include "keeper/protocol.h"
#include "os/limits.h"

namespace sup::keeper {

// From the first start on, this process keeps the signal dispositions that it has.
class Spawner {
 public:
  // The best method there is, unless told otherwise; fork(2) under sanitizers.
  [[nodiscard]] static Result<Spawner> create(std::optional<Method> method = std::nullopt);

  // Runs a plan; `socket` becomes its descriptor 0 when the plan says so. The child's ends of the pipes are closed
  // here.
  [[nodiscard]] std::expected<Spawned, SpawnFailure> spawn(const PlanView& plan, int socket);

  // Runs `program` with our descriptors 0 to 2 and `socket` as descriptor 3, in our process group, with these signals
  // ignored. The pid, or a negative errno.
  [[nodiscard]] pid_t start_manager(const std::string& program, const std::vector<std::string>& argv, int socket,
                                    std::initializer_list<int> ignored);

  // RLIMIT_NOFILE of whatever is started from now on; ours until set.
  void set_open_files(const os::Limit& limit) { open_files_ = limit; }
  [[nodiscard]] const std::optional<os::Limit>& open_files() const { return open_files_; }
  // os::oom_score_adjustment of whatever is started from now on; ours while it is empty.
  void set_oom_score(std::string score) { oom_score_ = std::move(score); }
  [[nodiscard]] const std::string& oom_score() const { return oom_score_; }
  [[nodiscard]] Method method() const { return method_; }

 private:
  Spawner() = default;
  [[nodiscard]] pid_t start(ChildTask& task);
  void stage(std::size_t slot, int fd);
  void unstage();
  void build_environment(const PlanView& plan);

  Method method_ = Method::fork;
  ChildStack stack_;
  UniqueFd null_;
  std::array<UniqueFd, 4> slots_;
  std::size_t staged_ = 0;  // slots_[0..staged_) hold descriptors of a child
  std::optional<os::Limit> open_files_;
  std::string oom_score_;
  std::optional<std::uint64_t> changed_signals_;
  std::vector<const char*> environment_;
};

}  // namespace sup::keeper
