// From clone(2) to execve(2): the one place for code that runs in a child.
//
// With the first two methods the child runs in our memory while we wait, so everything is prepared before: the child
// allocates nothing, throws nothing, makes plain system calls, and ends in execve(2) or _exit(2).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>

namespace sup::keeper {

// How the child comes to be. `shared_table` shares our descriptor table too until the child takes a copy of its lowest
// slots, so its cost does not grow with the number of descriptors; it needs Linux 5.9 (close_range(2) with
// CLOSE_RANGE_UNSHARE). The others are for kernels and seccomp filters that refuse it.
enum class Method : std::uint8_t { shared_table, vfork, fork };

// With `shared_table`, descriptors for the child must be below this number.
inline constexpr int first_dropped_fd = 16;

struct ChildTask {
  const char* path = nullptr;
  const char* const* argv = nullptr;
  const char* const* environment = nullptr;
  std::array<int, 3> fds{};  // what becomes descriptors 0, 1 and 2: each at least 3, or already its own target
  int extra = -1;            // what becomes descriptor 3; it must be at least 3
  bool own_group = true;     // leader of a new process group
  bool set_umask = false;
  mode_t umask = 0;
  bool set_open_files = false;
  rlimit open_files{};
  bool set_identity = false;
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;
  const char* identity_refused = "";  // what to say instead of trying, or ""
  const char* directory = "";         // or ""
  const char* oom_score = "";         // for /proc/self/oom_score_adj, or ""
  std::uint64_t ignored_signals = 0;  // bit N-1: signal N is ignored; all others get their default disposition
  std::uint64_t changed_signals = ~std::uint64_t{0};  // the same: signal N may not have it yet
  unsigned long max_fd = 0;           // bound for closing one by one where close_range(2) is missing

  int refused = 0;  // answer of `shared_table`: errno of close_range(2), nothing was started
};

// A stack of its own for clone(2), with a guard page; mapped once and never given back.
class ChildStack {
 public:
  ChildStack();
  [[nodiscard]] void* top() const { return top_; }  // nullptr if there is no memory

 private:
  void* top_ = nullptr;
};

// For ChildTask::changed_signals: those that do not have their default disposition in this process.
[[nodiscard]] std::uint64_t changed_signals();

// The pid, or a negative errno. All signals must be blocked in the caller; the child leaves none blocked. Failures
// after the start are written to the child's descriptor 2 in Supervisor's words and end in exit status 127.
[[nodiscard]] pid_t start_child(ChildTask& task, Method method, const ChildStack& stack);

}  // namespace sup::keeper
