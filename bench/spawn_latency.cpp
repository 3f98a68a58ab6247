// How long it takes from asking for a process to having reaped it, by each of the keeper's methods and by posix_spawn.
//
//   spawn_latency [ROUNDS [DESCRIPTORS...]]
//
// For each number of open descriptors the median of ROUNDS runs of /bin/true, in microseconds. The keeper's methods
// make three pipes and the environment for each child, as the daemon does; posix_spawn makes nothing.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "keeper/protocol.h"
#include "keeper/spawn.h"
#include "os/limits.h"

namespace {

using namespace sup;
using namespace sup::keeper;

// Median time of `spawn` and the wait for what it started, in microseconds; 0 if it fails.
double median(int rounds, const std::function<pid_t()>& spawn) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const pid_t pid = spawn();
    if (pid <= 0 || waitpid(pid, nullptr, 0) != pid) return 0;
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double by_posix_spawn(int rounds) {
  return median(rounds, [] {
    char name[] = "true";
    char* argv[] = {name, nullptr};
    pid_t pid = 0;
    return posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ) == 0 ? pid : -1;
  });
}

double by_keeper(int rounds, Spawner& spawner) {
  Plan plan;
  plan.path = "/bin/true";
  plan.argv = {"true"};
  plan.environment = {{"SUPERVISOR_ENABLED", "1"}, {"SUPERVISOR_PROCESS_NAME", "bench"}};
  Writer writer;
  encode(writer, plan);
  PlanView view;
  return median(rounds, [&] {
    Reader reader(writer.bytes());
    if (!decode(reader, view)) return -1;
    const auto child = spawner.spawn(view, -1);
    return child ? child->pid : -1;
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 300;
  std::vector<int> counts;
  for (int i = 2; i < argc; ++i)
    counts.push_back(std::atoi(argv[i]));
  if (counts.empty()) counts = {10, 1000, 10000, 18000};
  if (rounds < 1) {
    fmt::print(stderr, "usage: {} [ROUNDS [DESCRIPTORS...]]\n", argv[0]);
    return 2;
  }
  if (auto limit = os::get_limit(RLIMIT_NOFILE)) (void)os::set_limit(RLIMIT_NOFILE, {limit->hard, limit->hard});

  // Made first: the best method needs low descriptors.
  struct Way {
    const char* name;
    Method method;
  };
  std::vector<std::pair<Way, Spawner>> ways;
  for (const Way way :
       {Way{"shared_table", Method::shared_table}, Way{"vfork", Method::vfork}, Way{"fork", Method::fork}}) {
    auto spawner = Spawner::create(way.method);
    if (spawner) ways.emplace_back(way, std::move(*spawner));
  }

  fmt::print("{:>12}", "descriptors");
  for (const auto& [way, spawner] : ways)
    fmt::print("{:>14}", way.name);
  fmt::print("{:>14}\n", "posix_spawn");
  std::sort(counts.begin(), counts.end());
  std::vector<UniqueFd> open_fds;
  for (const int count : counts) {
    while (open_fds.size() < static_cast<std::size_t>(std::max(count, 0))) {
      UniqueFd fd(fcntl(0, F_DUPFD_CLOEXEC, 16));
      if (!fd) {
        fmt::print("only {} descriptors may be open here\n", open_fds.size());
        return 1;
      }
      open_fds.push_back(std::move(fd));
    }
    fmt::print("{:>12}", count);
    for (auto& [way, spawner] : ways) {
      const double time = by_keeper(rounds, spawner);
      fmt::print("{:>14}", spawner.method() == way.method ? fmt::format("{:.0f}", time) : "refused");
    }
    fmt::print("{:>14.0f}\n", by_posix_spawn(rounds));
  }
}
