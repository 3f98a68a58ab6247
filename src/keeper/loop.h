// The keeper's loop: one poll over the signals, the manager's socket and the ends of adopted processes.
//
// Three things go on at a time: children run and end, a manager lives or is due, and requests are answered in order.
// Nothing a manager does can harm the keeper: one that breaks the protocol, or closes its socket and stays, is killed,
// and the next one is started. Requests are read only while no answer waits to be sent, so that a manager that does not
// listen costs no memory.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"
#include "keeper/protocol.h"
#include "keeper/restart.h"
#include "keeper/spawn.h"
#include "keeper/state.h"
#include "keeper/table.h"
#include "keeper/wire.h"

namespace sup::keeper {

// The signals that a keeper forwards.
inline constexpr std::initializer_list<int> forwarded_signals = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2};

inline constexpr bool is_shutdown(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

// How a manager is started, and the keeper itself anew: from a program, or by a test.
class ManagerStarter {
 public:
  virtual ~ManagerStarter() = default;
  // The pid of a child process that has `socket`, or a negative errno. `deaths`: managers before that died young.
  [[nodiscard]] virtual pid_t start(Spawner& spawner, int socket, bool daemonized, int deaths) = 0;
  // The file that start() runs, and whether that is another one than we run.
  [[nodiscard]] virtual std::string program() const = 0;
  [[nodiscard]] virtual bool differs() const = 0;
  // This process becomes the program anew, with `state` for it to read. Returns only when it cannot: an errno.
  [[nodiscard]] virtual int become(int state) = 0;
};

// To the child or to its group; 0 or errno.
[[nodiscard]] int signal_child(const Entry& child, int signal, bool group);

class Keeper {
 public:
  // `signals` delivers the forwarded signals and SIGCHLD (os::signal_descriptor).
  Keeper(Spawner spawner, UniqueFd signals, ManagerStarter& starter);

  // Before run(): goes on with what an earlier program of this process left. The descriptors become ours.
  void adopt(const SavedState& state);
  // The daemon's exit code, when it is over.
  [[nodiscard]] int run();

 private:
  // loop.cpp: signals, ends, and the life of managers
  void wait();
  [[nodiscard]] int timeout() const;
  void take_signals();
  void daemon_signal(int signal);
  void remember(int signal);
  void reap();
  bool reap(pid_t pid);
  void reap_others();
  void start_manager();
  void manager_gone(int status);
  void disconnect(bool broken);
  void kill_manager();
  void let_leave();
  void daemonize();
  [[nodiscard]] int wait_for_background(pid_t background, int ready);
  [[nodiscard]] bool hopeless() const;
  void stop_children();
  void kill_overdue();

  // adopted.cpp: processes that we have not started
  void watch_adopted(ProcessId id);
  void take_adopted_ends();
  void adopted_ended(ProcessId id);

  // requests.cpp: talking to the manager
  [[nodiscard]] bool listening() const { return socket_ && !replaying_; }
  // A manager is there that is told what happens.
  [[nodiscard]] bool working() const { return listening() && !handing_over_; }
  void exchange();
  [[nodiscard]] bool serve_datagram();
  [[nodiscard]] bool serve(Frame& frame);
  [[nodiscard]] bool on_spawn(Frame& frame);
  [[nodiscard]] bool on_adopt(Frame& frame);
  [[nodiscard]] bool on_signal(const Frame& frame);
  void on_lend(ProcessId id);
  [[nodiscard]] bool on_put(const Frame& frame);
  [[nodiscard]] bool on_hold(Frame& frame);
  [[nodiscard]] bool on_configure(const Frame& frame);
  [[nodiscard]] bool on_quit(const Frame& frame);
  [[nodiscard]] bool on_hand_over(const Frame& frame);
  [[nodiscard]] bool on_repeat_signal(const Frame& frame);
  void on_ready();
  void begin_replay();
  void replay();
  void finish_replay();
  void send(Notice notice, ProcessId id, const Writer& writer, std::initializer_list<int> fds = {});
  void send_exit(ProcessId id, const Entry& entry);
  void send_spawn_failed(ProcessId id, int stage, int code);
  void send_signal(int signal);

  // succession.cpp: becoming a newer program
  void on_inspect();
  [[nodiscard]] SavedState save() const;
  void become_anew();
  void pass_descriptors_on(const SavedState& state, bool pass) const;

  Spawner spawner_;
  UniqueFd signals_;
  ManagerStarter& starter_;
  Table table_;
  UniqueFd adopted_ends_;  // epoll of the adopted ones' pidfds; none while there was never one
  std::optional<Time> reap_by_;  // when to look for dead children of whom no signal has told
  std::map<std::string, UniqueFd> held_;
  std::optional<int> result_;  // the loop is over

  pid_t manager_ = 0;
  UniqueFd socket_;
  Sender sender_;
  Receiver receiver_;
  PlanView plan_;  // of the request at hand; kept for its memory
  bool fresh_ = true;
  bool served_ = false;  // some manager said that the start succeeded
  bool daemonized_ = false;
  bool to_background_ = false;    // the manager asked to daemonize
  UniqueFd background_ready_;     // where the process waits that started the daemon
  std::optional<int> quit_;       // the exit code the manager asked for
  std::optional<Time> leave_by_;  // until when a manager that is leaving may take

  bool handing_over_ = false;     // the manager leaves for the next one
  bool become_anew_ = false;      // and we, too
  Replacement replacement_ = Replacement::none;  // for the next manager
  int replacement_error_ = 0;

  bool replaying_ = false;
  std::vector<ProcessId> replay_ids_;
  std::size_t replayed_ = 0;

  RestartPolicy restart_;
  Time start_at_{};
  int shutdown_signal_ = 0;           // the order to shut down, until it is carried out
  int deaths_since_order_ = 0;        // of managers
  std::vector<int> pending_signals_;  // others, for the next manager

  bool stopping_ = false;  // without a manager
  std::vector<std::pair<Time, ProcessId>> kill_at_;
};

}  // namespace sup::keeper
