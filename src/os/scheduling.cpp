#include "os/scheduling.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sup::os {

void take_short_turns() {
  constexpr __u64 shortest_turn_ns = 100'000;
  sched_attr attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.sched_policy != SCHED_NORMAL || attributes.sched_nice < 0) return;
  attributes.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
  attributes.sched_runtime = shortest_turn_ns;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace sup::os
