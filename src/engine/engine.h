// Joins the pure parts: holds the process table, feeds what happens to the state machines, and carries out their
// effects through the keeper, the log pump and the file system.
//
// Everything runs on the control thread. Each entry point reads the clock once; what follows from an input is put on a
// work list that is drained before the entry point returns, so nothing recurses. Answers to callers come through
// callbacks, at once or when the state change they wait for happens: nothing is polled.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/signals.h"
#include "base/strings.h"
#include "base/time.h"
#include "engine/command.h"
#include "engine/entry.h"
#include "engine/fastcgi.h"
#include "engine/listeners.h"
#include "engine/record.h"
#include "engine/standard_input.h"
#include "engine/surroundings.h"
#include "engine/survivor.h"
#include "events/event.h"
#include "events/ticks.h"
#include "process/shutdown.h"

namespace sup::engine {

// The entry of the keeper's table that is no process but the session record.
inline constexpr ProcessId session_id = 0xFFFFFFFF;

// Supervisor's state of the daemon as a whole. Programs are only started while running.
enum class Mood : int { fatal = 2, running = 1, restarting = 0, shutdown = -1 };

// What the engine needs of the [supervisord] section and the environment.
struct Settings {
  std::string identifier = "supervisor";
  std::string child_log_directory;
  std::string server_url;    // for SUPERVISOR_SERVER_URL; empty: none
  std::string path;          // the daemon's own PATH
  bool strip_ansi = false;
  bool is_init = false;      // the keeper is process 1, so orphans are everybody's
  bool echo_output = false;  // log level debug or lower: children's output also goes to the daemon's log
};

class Engine final : public keeper::Notices {
 public:
  Engine(Surroundings surroundings, Settings settings);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const Table& table() const { return table_; }
  [[nodiscard]] Mood mood() const { return mood_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  void change_settings(Settings settings) { settings_ = std::move(settings); }

  // Another number whenever something of a process may have changed.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

  // ---- groups

  // Creates the group: AUTO log files now, processes on start_automatic(). False when the name is taken.
  bool add_group(std::shared_ptr<const config::Group> group, std::uint32_t generation);
  // False unless every process of it is stopped.
  bool remove_group(const std::string& name);
  // The running set, or the group of that name, is complete: start what is to be started by itself, in order.
  void start_automatic();
  void start_automatic(const std::string& group);

  // ---- what clients ask for; the Done is called exactly once

  // `wait`: until RUNNING; else until the child exists. The process must not be running.
  void start(Entry& entry, bool wait, Done done);
  // `wait`: until stopped; else until the signal is sent. The process must be in one of the running states.
  void stop(Entry& entry, bool wait, Done done);
  // To the process alone, never its group. It must be in a state that can be signalled.
  void signal(Entry& entry, int signal, Done done);
  // How a start would find its command, without starting.
  [[nodiscard]] std::expected<Command, CommandError> find_command(const Entry& entry) const;
  // To its standard input, in the order of the calls; code EPIPE when that is closed or the process has none.
  void send_input(Entry& entry, Borrowed text, StandardInput::Written written) {
    inputs_.send(entry, std::move(text), std::move(written));
  }
  // Removes and re-creates the log files; `done` gets 0 or an errno.
  void clear_logs(Entry& entry, std::move_only_function<void(int)> done);
  void reopen_logs();

  // ---- events

  // Does anybody listen to this? If not, the event need not be made.
  [[nodiscard]] bool wants(events::Type type) const;
  void emit(events::Event event);
  // The number of the next event: a restarted daemon goes on counting.
  [[nodiscard]] std::uint64_t event_serial() const { return listeners_.next_serial(); }
  void continue_serials(std::uint64_t next) { listeners_.continue_from(next); }

  // ---- the end

  // Stops everything in order; `finished` is called when nothing runs any more. A second call only changes the mood.
  void shut_down(Mood mood, std::move_only_function<void()> finished);

  // ---- time: call on_time() at or after next_deadline()

  [[nodiscard]] std::optional<Time> next_deadline() const;
  void on_time();

  // ---- what happens

  void on_report(logs::Report report);
  void on_listener_output(ProcessId id, std::string_view bytes);
  void on_listener_closed(ProcessId id);
  void on_spawned(ProcessId id, std::expected<keeper::Spawned, keeper::SpawnFailure> result) override;
  void on_signalled(ProcessId id, int signal, int code) override;
  void on_exited(ProcessId id, pid_t pid, const keeper::Exit& exit) override;
  void on_lent(ProcessId id, UniqueFd in, bool lost) override;
  void on_orphan(pid_t pid, int status) override;
  void on_daemon_signal(int signal) override;
  void on_keeper_gone() override;

  // What on_daemon_signal and on_keeper_gone are passed on to.
  void on_signal_of_daemon(std::function<void(int)> handler) { daemon_signal_ = std::move(handler); }
  void on_loss_of_keeper(std::function<void()> handler) { keeper_gone_ = std::move(handler); }

  // ---- survival: what the next manager needs

  // `generation` is that of the configuration read last.
  [[nodiscard]] SessionRecord session() const;
  void set_generation(std::uint32_t generation) { generation_ = generation; }
  // Puts session() with the keeper, as the record of `session_id`. Due after groups came or went.
  void save_session();
  // Takes back a table from the keeper, with what it held. `groups` are those of the session record, with their
  // generations.
  void restore(const SessionRecord& session,
               std::vector<std::pair<std::shared_ptr<const config::Group>, std::uint32_t>> groups,
               std::vector<keeper::Restored::Child> children, const std::map<std::string, UniqueFd>& held = {});
  // Tells of programs that outlived an earlier daemon, keeper and all, and takes over those that it can if it is to. Due
  // before start_automatic().
  void meet(std::vector<Survivor> survivors, bool adopting);
  // Takes everything back from the keeper: this life of the daemon has ended.
  void forget_all();

 private:
  struct Work {
    ProcessId id = 0;
    process::Input input;
  };
  enum class Alarm : std::uint8_t { process, stop_report, shutdown_report, tick, retry };
  struct Deadline {
    Time at;
    Alarm alarm = Alarm::process;
    ProcessId id = 0;
    auto operator<=>(const Deadline&) const = default;
  };

  void begin();  // an entry point: reads the clock
  [[nodiscard]] static process::Input input(process::Input::Kind kind, pid_t pid = 0, int status = 0) {
    return {kind, pid, status};
  }
  void queue(const Entry& entry, process::Input input) { work_.push_back({entry.id, input}); }
  [[nodiscard]] process::Input due_input(const Entry& entry) const;
  void drain_work();
  void queue_automatic(const GroupEntry& group);
  void apply(Entry& entry, const process::Input& input);
  void arm(const Entry& entry, std::optional<Time> before);

  void note_change(Entry& entry, const process::Change& change, const process::Input& input,
                   const process::Outcome& outcome, pid_t pid);
  [[nodiscard]] std::optional<std::string> carry_out(Entry& entry, const process::Outcome& outcome,
                                                     const process::Input& input);
  void announce(Entry& entry, const process::Change& change, const process::Input& input,
                const process::Outcome& outcome);
  void log_exit(const Entry& entry, const process::Change& change, const process::Outcome& outcome);
  [[nodiscard]] std::optional<events::Event> event_of(const Entry& entry, const process::Change& change,
                                                      const process::Input& input, pid_t pid) const;
  void answer_waiters(Entry& entry);
  void answer(Entry& entry, Waiter::For what, Answer answer);

  [[nodiscard]] std::optional<std::string> spawn(Entry& entry);
  void fail_spawn(Entry& entry, std::string text);
  [[nodiscard]] keeper::Plan plan_for(const Entry& entry, Command command) const;
  [[nodiscard]] Result<std::unique_ptr<OpenedLogs>> open_logs(const Entry& entry, bool running = false);
  void attach(Entry& entry, Channel channel, UniqueFd pipe, logs::RotatingFile file);
  void send_signal(Entry& entry, int signal, bool to_group, bool overdue);
  void on_output(Entry& entry, const logs::Report& report);
  void finish(Entry& entry);
  void make_automatic_logs(Entry& entry);
  [[nodiscard]] std::string record_of(const Entry& entry) const;
  void save(const Entry& entry);
  void tick();
  void arm_tick();
  void stop_report(Entry& entry);
  void shutdown_report();
  void stop_for_shutdown(const std::vector<ProcessId>& ids);
  void tell_untold();
  void adopt(Entry& entry, const Survivor& survivor);
  void restore_entry(Entry& entry, const ProcessRecord& record, keeper::Restored::Child& child, int talk);

  Surroundings out_;
  Settings settings_;
  Table table_;
  Mood mood_ = Mood::running;
  Now now_{};
  std::deque<Work> work_;
  std::vector<std::pair<Done, Answer>> answers_;  // to be given when the work list is empty
  bool draining_ = false;
  std::uint64_t changes_ = 0;
  std::set<Deadline> deadlines_;
  std::optional<process::Shutdown> shutdown_;
  std::move_only_function<void()> finished_;
  std::unordered_map<ProcessId, std::vector<std::move_only_function<void(int)>>> clearing_;
  std::uint32_t generation_ = 0;
  Listeners listeners_;
  FastCgi fastcgi_;
  StandardInput inputs_;
  events::Ticks ticks_;
  std::optional<Time> next_tick_;  // only while somebody wants TICK events
  std::function<void(int)> daemon_signal_;
  std::function<void()> keeper_gone_;
};

// "exit status 3", "terminated by SIGTERM (core dumped)": a waitpid(2) status in Supervisor's words.
[[nodiscard]] std::string describe_status(int status);
// Its exit code, or -1 when a signal ended it or nobody knows.
[[nodiscard]] int exit_code(int status);
// The part of a plan that is about the end of the program.
void plan_stop(keeper::Plan& plan, const config::ProgramOptions& program);
}  // namespace sup::engine
