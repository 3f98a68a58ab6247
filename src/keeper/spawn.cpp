#include "keeper/spawn.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/signals.h"

namespace sup::keeper {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Both ends blocking and close-on-exec. 0 or errno.
int open_pipe(Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  pipe.read.reset(ends[0]);
  pipe.write.reset(ends[1]);
  return 0;
}

// Of a new pipe, which has no other flags. They belong to one end: the child's stays blocking.
void make_nonblocking(const UniqueFd& fd) {
  if (fd) fcntl(fd.get(), F_SETFL, O_NONBLOCK);
}

bool is_refusal(int code) {
  return code == ENOSYS || code == EPERM || code == EINVAL;
}

}  // namespace

Result<Spawner> Spawner::create(std::optional<Method> method) {
  Spawner spawner;
  spawner.null_.reset(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!spawner.null_) return std::unexpected(system_error("open", "/dev/null", errno));
  bool low = true;
  for (UniqueFd& slot : spawner.slots_) {
    slot.reset(fcntl(spawner.null_.get(), F_DUPFD_CLOEXEC, 3));
    if (!slot) return std::unexpected(system_error("dup", "/dev/null", errno));
    low = low && slot.get() < first_dropped_fd;
  }
#ifdef SUP_SANITIZED
  constexpr Method best = Method::fork;
#else
  constexpr Method best = Method::shared_table;
#endif
  spawner.method_ = method.value_or(best);
  if (spawner.method_ == Method::shared_table && !low) spawner.method_ = Method::vfork;
  if (spawner.stack_.top() == nullptr) spawner.method_ = Method::fork;
  return spawner;
}

void Spawner::stage(std::size_t slot, int fd) {
  dup3(fd, slots_[slot].get(), O_CLOEXEC);
  staged_ = slot + 1;
}

void Spawner::unstage() {
  for (std::size_t slot = 0; slot < staged_; ++slot)
    dup3(null_.get(), slots_[slot].get(), O_CLOEXEC);
  staged_ = 0;
}

pid_t Spawner::start(ChildTask& task) {
  if (open_files_) {
    task.set_open_files = true;
    task.open_files = {open_files_->soft, open_files_->hard};
  }
  task.oom_score = oom_score_.c_str();
  // Asked once, which spares each child five dozen system calls.
  if (!changed_signals_) changed_signals_ = changed_signals();
  task.changed_signals = *changed_signals_;
  task.max_fd = 65536;
  const os::AllSignalsBlocked blocked;
  while (true) {
    const pid_t pid = start_child(task, method_, stack_);
    if (pid > 0 && task.refused == 0) return pid;
    if (pid > 0) waitpid(pid, nullptr, 0);  // it only came to tell that close_range(2) is refused
    if (method_ == Method::fork || (pid < 0 && !is_refusal(-pid))) return pid;
    method_ = method_ == Method::shared_table ? Method::vfork : Method::fork;
  }
}

void Spawner::build_environment(const PlanView& plan) {
  environment_.clear();
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    environment_.push_back(*variable);
  }
  for (const PlanView::Override& entry : plan.environment) {
    const auto same = std::find_if(environment_.begin(), environment_.end(), [&](const char* variable) {
      return variable[0] == entry.text[0] && std::strncmp(variable, entry.text, entry.key + 1) == 0;
    });
    if (same != environment_.end()) {
      *same = entry.text;
    } else {
      environment_.push_back(entry.text);
    }
  }
  environment_.push_back(nullptr);
}

std::expected<Spawned, SpawnFailure> Spawner::spawn(const PlanView& plan, int socket) {
  if (plan.stdin_from_socket && socket < 0) return std::unexpected(SpawnFailure{SpawnStage::pipe, EMFILE});
  Pipe in, out, err;
  int code = plan.stdin_from_socket ? 0 : open_pipe(in);
  if (code == 0) code = open_pipe(out);
  if (code == 0 && !plan.stderr_to_stdout) code = open_pipe(err);
  if (code != 0) return std::unexpected(SpawnFailure{SpawnStage::pipe, code});
  make_nonblocking(in.write);
  make_nonblocking(out.read);
  make_nonblocking(err.read);
  build_environment(plan);

  ChildTask task;
  task.path = plan.path;
  task.argv = plan.argv.data();
  task.environment = environment_.data();
  task.directory = plan.directory;
  task.set_umask = plan.umask.has_value();
  task.umask = plan.umask.value_or(0);
  task.set_identity = plan.has_identity;
  task.uid = plan.uid;
  task.gid = plan.gid;
  task.groups = plan.groups.data();
  task.group_count = plan.groups.size();
  task.identity_refused = plan.identity_refused;
  stage(0, plan.stdin_from_socket ? socket : in.read.get());
  stage(1, out.write.get());
  if (!plan.stderr_to_stdout) stage(2, err.write.get());
  task.fds = {slots_[0].get(), slots_[1].get(), slots_[plan.stderr_to_stdout ? 1 : 2].get()};
  const pid_t pid = start(task);
  unstage();
  if (pid < 0) return std::unexpected(SpawnFailure{SpawnStage::fork, -pid});
  return Spawned{pid, std::move(in.write), std::move(out.read), std::move(err.read)};
}

pid_t Spawner::start_manager(const std::string& program, const std::vector<std::string>& argv, int socket,
                             std::initializer_list<int> ignored) {
  std::vector<const char*> arguments;
  for (const std::string& argument : argv)
    arguments.push_back(argument.c_str());
  arguments.push_back(nullptr);
  ChildTask task;
  task.path = program.c_str();
  task.argv = arguments.data();
  task.environment = environ;
  task.fds = {0, 1, 2};
  task.own_group = false;
  for (const int signal : ignored)
    task.ignored_signals |= std::uint64_t{1} << (signal - 1);
  stage(0, socket);
  task.extra = slots_[0].get();
  const pid_t pid = start(task);
  unstage();
  return pid;
}

}  // namespace sup::keeper
