// Processes that an earlier keeper has started and that survived it. Their parent is another process now, so we can
// neither wait for them nor learn how they end, but their pidfds tell when, and let us signal nobody else.
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "keeper/loop.h"
#include "os/other_process.h"

namespace sup::keeper {

// The pid of a child of ours is alive or a zombie that only we can reap, so it is nobody else's.
int signal_child(const Entry& child, int signal, bool group) {
  if (!child.adopted()) return kill(group ? -child.pid : child.pid, signal) == 0 ? 0 : errno;
  return group ? os::signal_group(child.process.get(), child.pid, signal)
               : os::signal_process(child.process.get(), signal);
}

// One that cannot be watched is as good as gone: nobody must wait for its end for ever.
void Keeper::watch_adopted(ProcessId id) {
  if (!adopted_ends_) adopted_ends_.reset(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
  const int process = table_.find(id)->process.get();
  if (epoll_ctl(adopted_ends_.get(), EPOLL_CTL_ADD, process, &event) != 0) adopted_ended(id);
}

void Keeper::take_adopted_ends() {
  std::array<epoll_event, 16> events{};
  const int count = epoll_wait(adopted_ends_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i)
    adopted_ended(static_cast<ProcessId>(events[static_cast<std::size_t>(i)].data.u64));
}

// Others may have the same pidfd open, so it does not leave the set by being closed.
void Keeper::adopted_ended(ProcessId id) {
  const Entry* entry = table_.find(id);
  if (entry != nullptr) epoll_ctl(adopted_ends_.get(), EPOLL_CTL_DEL, entry->process.get(), nullptr);
  table_.ended(id);
  if (working() && entry != nullptr && entry->exited) send_exit(id, *entry);
}

}  // namespace sup::keeper
