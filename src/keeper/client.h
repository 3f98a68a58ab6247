// The manager's side of the keeper: the only way to start, signal and keep track of children.
//
// Requests are sent at once and answered later, in order, through Notices; an EXITED notice may come at any time after
// the SPAWNED of its process. Nothing blocks: what the socket does not take now is queued here and sent when
// flush() is called after the socket became writable again.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "keeper/plan.h"
#include "os/limits.h"

namespace sup::keeper {

// What the keeper says.
class Notices {
 public:
  virtual ~Notices() = default;
  virtual void on_spawned(ProcessId id, std::expected<Spawned, SpawnFailure> result) = 0;
  virtual void on_signalled(ProcessId id, int signal, int code) = 0;  // code: 0 or errno, ESRCH when it is gone
  virtual void on_exited(ProcessId id, pid_t pid, const Exit& exit) = 0;
  virtual void on_lent(ProcessId id, UniqueFd in, bool lost) = 0;  // lost: as in Spawned; else none: there is none
  virtual void on_orphan(pid_t pid, int status) = 0;  // a process nobody spawned was reaped
  virtual void on_daemon_signal(int signal) = 0;      // the keeper itself got TERM, HUP, ...
  virtual void on_keeper_gone() = 0;                  // the socket closed: leave at once
};

// Who gets a signal: the process alone or its process group.
enum class Target : std::uint8_t { process, group };

// What the engine may ask; the real Client below, and fakes in tests.
class Children {
 public:
  virtual ~Children() = default;
  // `record` replaces the process's record, as put() does. `socket` is passed on when plan.stdin_from_socket.
  virtual void spawn(ProcessId id, const Plan& plan, std::string_view record, int socket) = 0;
  // Takes over a process that another keeper has started: `process` is its pidfd, of the plan only what is for stopping
  // matters. Not answered; its end is told with status_unknown, at once if it cannot be watched.
  virtual void adopt(ProcessId id, pid_t pid, int process, const Plan& plan, std::string_view record) = 0;
  // A `record` that is not empty replaces the process's, in one step with the signal.
  virtual void signal(ProcessId id, int signal, Target target, std::string_view record = {}) = 0;
  virtual void put(ProcessId id, std::string_view record) = 0;
  // Whether the keeper hands out the write ends of children's standard inputs when asked. One of an older version does
  // not: what comes with a child is all that there will be.
  [[nodiscard]] virtual bool lends() const = 0;
  // Asks for that of a running child; answered by on_lent(). It stays open in the keeper all the same.
  virtual void lend(ProcessId id) = 0;
  // The exit notice is dealt with and the pipes are drained: the keeper may forget both, and keeps the record.
  virtual void acknowledge(ProcessId id) = 0;
  virtual void drop(ProcessId id) = 0;
  // Keeps a descriptor (listening socket, configuration snapshot) for the manager that comes after this one.
  virtual void hold(const std::string& name, int fd) = 0;
  virtual void release(const std::string& name) = 0;
};

// What the keeper handed back when this manager began.
struct Restored {
  struct Child {
    ProcessId id = 0;
    pid_t pid = 0;  // 0: not running
    std::string record;
    UniqueFd in, out, err;
    bool lost = false;  // as in Spawned
  };
  bool fresh = true;  // the first manager of this keeper: nothing to restore
  std::vector<Child> children;
  std::map<std::string, UniqueFd> held;
};

// Settings of the keeper process itself, which its children inherit.
struct KeeperSettings {
  std::optional<Identity> identity;
  bool detach = false;  // setsid, descriptors 0 to 2 to /dev/null
  std::string directory;
  std::optional<mode_t> umask;
  // RLIMIT_NOFILE and RLIMIT_NPROC of every child and every later manager. The keeper itself always takes as many
  // descriptors as the hard limit allows.
  std::optional<os::Limit> open_files;
  std::optional<os::Limit> processes;
};

// What the keeper tells of itself.
struct Inspection {
  std::string program;    // the file that managers are started from
  bool differs = false;   // that file is another one than the keeper runs
  UniqueFd state;         // all that the keeper knows, as keeper/state.h has it
};

// What became of the wish that the keeper replaces itself.
enum class Replacement : std::uint8_t { none, done, failed };

class Client final : public Children {
 public:
  // `socket` is the manager's end, from the keeper's private argument. Both calls block; they come before the loop.
  explicit Client(UniqueFd socket);
  ~Client() override;
  [[nodiscard]] Result<Restored> restore();
  // Ask the keeper to change itself, and wait for its answer. It acts in this order and stops at the first failure:
  // identity, limits, directory, detach, umask.
  [[nodiscard]] Result<> configure(const KeeperSettings& settings);
  // Daemon mode: the keeper forks, the new keeper starts a new manager with daemonized_argument behind the private one,
  // and this one must leave at once. What is held stays held; there must be no children yet.
  void daemonize();
  // The start has succeeded: from now on the keeper starts a new manager whenever this one goes. Before, it takes the
  // manager's exit code (a bad configuration, for instance) as its own.
  void serving();
  // Daemon mode: whoever started the daemon may go on; everything answers. Implies serving().
  void ready();
  // The keeper ends with this exit code, without stopping children. The manager leaves after it.
  void quit(int exit_code);
  [[nodiscard]] pid_t keeper_pid() const;
  // After restore(): the version of the program that the keeper runs, whether it has replaced itself since the manager
  // before, and why not (errno).
  [[nodiscard]] const std::string& keeper_version() const;
  [[nodiscard]] Replacement replacement() const;
  [[nodiscard]] int replacement_error() const;

  // Asks the keeper for its state. `done` is called from receive(), and must not call back into what blocks.
  void inspect(std::move_only_function<void(Result<Inspection>)> done);
  // The end of this manager without any harm: another one is started at once. With `keeper_too` the keeper becomes the
  // program anew before. Blocks until all that was asked before is done; the manager leaves after it.
  void hand_over(bool keeper_too);

  // For the event loop: readable -> receive(), writable -> flush(). Call receive() once before the first wait:
  // notices that came while restore() or configure() waited for their answers are delivered then.
  [[nodiscard]] int fd() const;
  void receive(Notices& notices);          // everything that is there now
  [[nodiscard]] bool wants_write() const;  // something is queued
  void flush();

  void spawn(ProcessId id, const Plan& plan, std::string_view record, int socket) override;
  void adopt(ProcessId id, pid_t pid, int process, const Plan& plan, std::string_view record) override;
  void signal(ProcessId id, int signal, Target target, std::string_view record = {}) override;
  void put(ProcessId id, std::string_view record) override;
  [[nodiscard]] bool lends() const override;
  void lend(ProcessId id) override;
  void acknowledge(ProcessId id) override;
  void drop(ProcessId id) override;
  void hold(const std::string& name, int fd) override;
  void release(const std::string& name) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sup::keeper
