// A world for the engine in which nothing is real: fake clock, keeper, pump and files, and programs in one line.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <optional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/talk.h"

namespace sup::engine {

struct FakeClock final : Clock {
  Now time{Time(std::chrono::hours(1)), WallTime(std::chrono::hours(24 * 365 * 50))};
  [[nodiscard]] Now now() const override { return time; }
};

struct FakeLog final : Log {
  std::vector<std::string> lines;
  void write(Level level, std::string_view message) override {
    static const std::map<Level, std::string> names{{Level::critical, "CRIT"}, {Level::error, "ERRO"}, {Level::warn, "WARN"},
                                                    {Level::info, "INFO"},     {Level::debug, "DEBG"}, {Level::trace, "TRAC"},
                                                    {Level::blather, "BLAT"}};
    lines.push_back(names.at(level) + " " + std::string(message));
  }
  [[nodiscard]] bool wants(Level) const override { return true; }
};

// The keeper: remembers what it was asked, answers when the test says so.
struct FakeChildren final : keeper::Children {
  Engine* engine = nullptr;
  pid_t next_pid = 1000;
  std::vector<keeper::Plan> plans;
  std::vector<std::pair<ProcessId, std::string>> pending;  // spawns without answer, with their process's name
  std::map<ProcessId, std::string> records;
  std::map<ProcessId, pid_t> alive;
  std::vector<std::string> signals;  // "name SIGTERM process"
  std::vector<ProcessId> acknowledged;
  std::map<std::string, UniqueFd> held;
  std::vector<int> sockets;  // that came with the spawns; -1: none
  struct Adopted {
    ProcessId id = 0;
    pid_t pid = 0;
    keeper::Plan plan;
  };
  std::vector<Adopted> adopted;
  bool lending = true;
  std::vector<ProcessId> lent;  // who was asked for

  static std::string name_of(const keeper::Plan& plan) {
    for (const auto& [key, value] : plan.environment) {
      if (key == "SUPERVISOR_PROCESS_NAME") return value;
    }
    return {};
  }
  [[nodiscard]] std::vector<std::string> spawned_names() const {
    std::vector<std::string> names;
    for (const keeper::Plan& plan : plans) names.push_back(name_of(plan));
    return names;
  }
  void answer_spawns() {
    for (auto& [id, name] : std::exchange(pending, {})) {
      alive[id] = next_pid;
      keeper::Spawned spawned;
      spawned.pid = next_pid++;
      spawned.in = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));  // whom it is written to only the fakes know
      engine->on_spawned(id, std::move(spawned));
    }
  }
  void fail_spawns(keeper::SpawnFailure failure) {
    for (auto& [id, name] : std::exchange(pending, {})) engine->on_spawned(id, std::unexpected(failure));
  }

  void spawn(ProcessId id, const keeper::Plan& plan, std::string_view record, int socket) override {
    sockets.push_back(socket);
    plans.push_back(plan);
    pending.emplace_back(id, name_of(plan));
    records[id] = record;
  }
  void adopt(ProcessId id, pid_t pid, int, const keeper::Plan& plan, std::string_view record) override {
    adopted.push_back({id, pid, plan});
    alive[id] = pid;
    records[id] = record;
  }
  void signal(ProcessId id, int signal, keeper::Target target, std::string_view record) override {
    if (!record.empty()) records[id] = record;
    signals.push_back(engine->table().find(id)->config.name + " " + signal_name(signal) +
                      (target == keeper::Target::group ? " group" : " process"));
  }
  void put(ProcessId id, std::string_view record) override { records[id] = record; }
  [[nodiscard]] bool lends() const override { return lending; }
  void lend(ProcessId id) override { lent.push_back(id); }
  void acknowledge(ProcessId id) override {
    acknowledged.push_back(id);
    alive.erase(id);
  }
  void drop(ProcessId id) override { records.erase(id); }
  void hold(const std::string& name, int fd) override { held.insert_or_assign(name, UniqueFd(dup(fd))); }
  void release(const std::string& name) override { held.erase(name); }
};

struct FakeOutput final : logs::OutputCarrier {
  Engine* engine = nullptr;
  std::vector<ProcessId> drains;
  std::vector<ProcessId> forgotten;
  void attach(ProcessId, Channel, UniqueFd, logs::ChannelPlan) override {}
  void drain(ProcessId id) override { drains.push_back(id); }
  void forget(ProcessId id) override { forgotten.push_back(id); }
  void reopen(ProcessId) override {}
  void clear(ProcessId) override {}
  void answer_drains() {
    for (const ProcessId id : std::exchange(drains, {})) {
      logs::Report report;
      report.kind = logs::Report::Kind::drained;
      report.id = id;
      engine->on_report(std::move(report));
    }
  }
};

struct FakeFiles final : Files {
  int open_error = 0;
  [[nodiscard]] std::optional<FileKind> look(const std::string& path) const override {
    if (path.find("nosuch") != std::string::npos) return std::nullopt;
    return FileKind{false, true};
  }
  [[nodiscard]] bool may_execute(const std::string&) const override { return true; }
  [[nodiscard]] Result<logs::RotatingFile> open_log(logs::FilePlan) override {
    if (open_error != 0) return fail("cannot open", open_error);
    return logs::RotatingFile();
  }
  [[nodiscard]] Result<std::string> create_log(const std::string& directory, const std::string& prefix) override {
    return directory + "/" + prefix + "12345678.log";
  }
  [[nodiscard]] Result<> remove(const std::string&) override { return {}; }
  int listen_error = 0;
  std::vector<std::string> listening;  // URLs, in the order in which they were made
  std::vector<std::string> removed;    // socket files
  [[nodiscard]] Result<UniqueFd> listen(const config::FcgiSocket& socket) override {
    if (listen_error != 0) return fail("[Errno 13] Permission denied", listen_error);
    listening.push_back(socket.url);
    return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  void remove_socket(const std::string& path) override { removed.push_back(path); }
  [[nodiscard]] Result<std::optional<keeper::Identity>> identity(std::uint32_t) override {
    return std::optional<keeper::Identity>();
  }
};

// What an empty pipe takes of it.
inline std::string moved_out_of(Talk& talk) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  static_cast<void>(talk.move(in.get()));
  std::string bytes(65536, '\0');
  const ssize_t got = read(out.get(), bytes.data(), bytes.size());
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

struct FakeInputs final : Inputs {
  std::map<ProcessId, std::string> written;
  std::set<ProcessId> closed;  // by the child
  [[nodiscard]] Result<> write(ProcessId id, int, Borrowed text) override {
    if (closed.contains(id)) return fail("closed", EPIPE);
    written[id] += text.bytes;
    return {};
  }
  [[nodiscard]] Result<> move(ProcessId id, int fd, std::shared_ptr<Talk> talk) override {
    return write(id, fd, moved_out_of(*talk));
  }
  void forget(ProcessId) override {}
};

struct FakeListenerOutputs final : ListenerOutputs {
  std::map<ProcessId, std::string> left;  // in the pipe when the process ends
  void watch(ProcessId, UniqueFd, std::shared_ptr<Talk>) override {}
  [[nodiscard]] std::string finish(ProcessId id) override { return std::exchange(left[id], {}); }
};

// Somebody who hears everything.
struct FakeSink final : EventSink {
  std::vector<std::string> heard;  // "TYPE body"
  std::optional<std::size_t> characters;  // of the last one's body, if they were counted
  [[nodiscard]] bool wants(events::Type type) const override { return !events::is_a(type, events::Type::tick); }
  void emit(const events::Event& event) override {
    heard.push_back(std::string(events::type_name(event.type)) + " " + event.body);
    characters = event.characters;
  }
};

struct Program {
  std::string name;
  long long priority = 999;
  bool autostart = true;
  std::string command = "/bin/cat";
  long long startsecs = 1;
  long long startretries = 3;
  long long stopwaitsecs = 10;
  bool stopasgroup = false;
  config::Restart restart = config::Restart::unexpected;
  std::string logfile = {};  // empty: none
  config::Environment environment = {};
  std::vector<std::string> sockets = {};  // of FastCGI processes x_0, x_1 ...: paths; empty: one process without
  std::vector<std::string> events = {};  // of a listener
  long long buffer_size = 10;
  long long retry_delay = 0;
};

struct World {
  World() {
    children.engine = &engine;
    output.engine = &engine;
  }

  FakeClock clock;
  FakeLog log;
  FakeChildren children;
  FakeOutput output;
  FakeFiles files;
  FakeInputs inputs;
  FakeListenerOutputs listener_outputs;
  FakeSink sink;
  Engine engine{{clock, log, children, output, files, inputs, listener_outputs, &sink},
                {.identifier = "supervisor", .child_log_directory = "/tmp", .server_url = "unix:///s", .path = "/bin",
                 .strip_ansi = false, .is_init = false, .echo_output = false}};
  std::vector<std::shared_ptr<const config::Group>> groups;

  void add(const Program& program) {
    auto options = std::make_shared<config::ProgramOptions>();
    options->priority = program.priority;
    options->autostart = program.autostart;
    options->autorestart = program.restart;
    options->startsecs = program.startsecs;
    options->startretries = program.startretries;
    options->stopwaitsecs = program.stopwaitsecs;
    options->stopasgroup = options->killasgroup = program.stopasgroup;
    auto instance = std::make_shared<config::InstanceOptions>();
    instance->command = program.command;
    instance->environment = program.environment;
    instance->out.kind = program.logfile.empty() ? config::LogTarget::Kind::none : config::LogTarget::Kind::file;
    instance->out.path = program.logfile;
    instance->err.kind = config::LogTarget::Kind::none;
    auto group = std::make_shared<config::Group>();
    group->name = program.name;
    group->priority = program.priority;
    if (program.sockets.empty()) group->processes.push_back({program.name, options, instance, {}});
    for (const std::string& path : program.sockets) {
      group->processes.push_back({program.name + "_" + std::to_string(group->processes.size()), options, instance, {}});
      config::FcgiSocket socket;
      socket.url = "unix://" + path;
      socket.is_unix = true;
      socket.path = path;
      group->sockets.emplace_back(std::move(socket));
    }
    if (!program.events.empty()) group->pool = config::Pool{program.buffer_size, program.events, false, program.retry_delay};
    groups.push_back(group);
    engine.add_group(group, 1);
  }

  // `name` is "x" in group x, or "x_0" of a FastCGI program x.
  Entry& entry(const std::string& name) {
    const GroupEntry* group = engine.table().group(name);
    if (group == nullptr) group = engine.table().group(name.substr(0, name.rfind('_')));
    return *group->find(name);
  }
  process::State state(const std::string& name) { return entry(name).machine.state; }

  void advance(Duration duration) {
    clock.time.mono += duration;
    clock.time.wall += duration;
    engine.on_time();
  }
  // STARTING, with a child.
  void start(const std::string& name) {
    engine.start(entry(name), false, [](Answer) {});
    children.answer_spawns();
  }
  void run(const std::string& name) {
    start(name);
    advance(std::chrono::seconds(2));
  }
  // What a listener says, and what it was sent since the last call.
  void say(const std::string& name, std::string_view bytes) { engine.on_listener_output(entry(name).id, bytes); }
  std::string sent_to(const std::string& name) { return std::exchange(inputs.written[entry(name).id], {}); }
  // As if it had output pipes, so that it must be drained first.
  void exit(const std::string& name, int status) {
    entry(name).open_channels = 3;
    engine.on_exited(entry(name).id, entry(name).machine.pid, {.status = status});
  }
  void exit_and_drain(const std::string& name, int status) {
    exit(name, status);
    output.answer_drains();
  }
  // What the keeper would hand to the successor of the other world's manager.
  void take_over(World& other) {
    std::vector<keeper::Restored::Child> restored;
    SessionRecord session;
    for (const auto& [id, record] : other.children.records) {
      if (id == session_id) {
        session = *read_session_record(record);
        continue;
      }
      keeper::Restored::Child child;
      child.id = id;
      child.record = record;
      if (const auto at = other.children.alive.find(id); at != other.children.alive.end()) {
        child.pid = at->second;
        child.in = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
      }
      restored.push_back(std::move(child));
    }
    std::vector<std::pair<std::shared_ptr<const config::Group>, std::uint32_t>> with_generation;
    for (const auto& group : other.groups) with_generation.emplace_back(group, 1);
    engine.restore(session, std::move(with_generation), std::move(restored), other.children.held);
  }
};

}  // namespace sup::engine
