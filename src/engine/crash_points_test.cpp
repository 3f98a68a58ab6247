// The manager is killed before every single thing it does to the world, and its successor goes on: what the programs,
// the listeners and the readers of the log see must be what they see when nobody is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <deque>
#include <functional>
#include <limits>
#include <memory>

#include "engine/test_surroundings.h"

namespace sup::engine {
namespace {

using process::State;
using std::chrono::seconds;

struct Killed {};

// How many more things the manager may do.
struct Fate {
  int left = std::numeric_limits<int>::max();
  void act() {
    if (left-- <= 0) throw Killed();
  }
};

// What outlives managers: a keeper that works as the real one does, programs, and the time.
class Outside final : public keeper::Children {
 public:
  struct Child {
    std::string record;
    std::string name;
    pid_t pid = 0;
    std::optional<int> status;  // reaped and not acknowledged
  };

  Fate fate;
  FakeClock clock;
  std::map<ProcessId, Child> table;
  std::map<std::string, UniqueFd> held;
  std::vector<std::string> history;                  // what happened to the programs
  std::set<std::string> obedient;                    // they end when they are told to
  std::deque<std::function<void(Engine&)>> notices;  // on their way to the manager

  void spawn(ProcessId id, const keeper::Plan& plan, std::string_view record, int) override {
    fate.act();
    Child& child = table[id];
    child.record = record;
    child.name = FakeChildren::name_of(plan);
    if (child.pid != 0 && !child.status) {
      tell([id](Engine& engine) {
        engine.on_spawned(id, std::unexpected(keeper::SpawnFailure{keeper::SpawnStage::fork, EBUSY}));
      });
      return;
    }
    child.status.reset();
    child.pid = next_pid_++;
    history.push_back(child.name + " starts at " + std::to_string(second()));
    tell([id, pid = child.pid](Engine& engine) {
      keeper::Spawned spawned;
      spawned.pid = pid;
      spawned.in = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
      engine.on_spawned(id, std::move(spawned));
    });
  }
  void adopt(ProcessId, pid_t, int, const keeper::Plan&, std::string_view) override {}
  void signal(ProcessId id, int signal, keeper::Target, std::string_view record) override {
    fate.act();
    Child& child = table[id];
    if (!record.empty()) child.record = record;
    const bool there = child.pid != 0 && !child.status;
    if (there)
      history.push_back(child.name + " gets " + std::string(signal_name(signal)) + " at " + std::to_string(second()));
    tell([id, signal, there](Engine& engine) { engine.on_signalled(id, signal, there ? 0 : ESRCH); });
    if (there && (signal == SIGKILL || obedient.contains(child.name))) end(id, signal);
  }
  void put(ProcessId id, std::string_view record) override {
    fate.act();
    table[id].record = record;
  }
  [[nodiscard]] bool lends() const override { return false; }
  void lend(ProcessId) override {}
  void acknowledge(ProcessId id) override {
    fate.act();
    Child& child = table[id];
    if (!child.status) return;
    child.status.reset();
    child.pid = 0;
  }
  void drop(ProcessId id) override {
    fate.act();
    table.erase(id);
  }
  void hold(const std::string& name, int fd) override {
    fate.act();
    held.insert_or_assign(name, UniqueFd(dup(fd)));
  }
  void release(const std::string& name) override {
    fate.act();
    held.erase(name);
  }

  // The program ends with a waitpid(2) status.
  void end(const std::string& name, int status) {
    for (const auto& [id, child] : table) {
      if (child.name == name && child.pid != 0 && !child.status) return end(id, status);
    }
    FAIL() << name << " does not run";
  }
  [[nodiscard]] long second() const {
    return static_cast<long>(clock.time.mono.time_since_epoch() / seconds(1)) - 3600;
  }

 private:
  void tell(std::function<void(Engine&)> notice) { notices.push_back(std::move(notice)); }
  void end(ProcessId id, int status) {
    Child& child = table[id];
    child.status = status;
    tell([id, pid = child.pid, status](Engine& engine) { engine.on_exited(id, pid, {.status = status}); });
  }

  pid_t next_pid_ = 1000;
};

struct MortalLog final : Log {
  MortalLog(Fate& the_fate, std::vector<std::string>& the_lines) : fate(the_fate), lines(the_lines) {}
  void write(Level level, std::string_view message) override {
    if (level == Level::debug || level == Level::trace) return;
    fate.act();
    lines.emplace_back(message);
  }
  [[nodiscard]] bool wants(Level) const override { return true; }
  Fate& fate;
  std::vector<std::string>& lines;
};

struct MortalInputs final : Inputs {
  MortalInputs(Fate& the_fate, std::string& the_text) : fate(the_fate), text(the_text) {}
  [[nodiscard]] Result<> write(ProcessId, int, Borrowed borrowed) override {
    fate.act();
    text += borrowed.bytes;
    return {};
  }
  [[nodiscard]] Result<> move(ProcessId, int, std::shared_ptr<Talk> talk) override {
    fate.act();
    const std::string bytes = moved_out_of(*talk);
    text += bytes;
    fate.act();  // killed after the bytes have gone, before anybody notes it
    return {};
  }
  void forget(ProcessId) override {}
  Fate& fate;
  std::string& text;
};

// One listener, which subscribed to all states of processes, and some programs.
class Scene {
 public:
  explicit Scene(std::vector<Program> programs) : programs_(std::move(programs)) {
    programs_.insert(programs_.begin(), {.name = "listener", .events = {"PROCESS_STATE"}, .buffer_size = 1000});
    manager_ = std::make_unique<Manager>(*this);
    for (const Program& program : programs_)
      manager_->add(program);
    manager_->engine.set_generation(1);
    manager_->engine.save_session();
  }

  // From now on a manager dies before its `left`-th act.
  void kill_after(int left) { outside.fate.left = left; }
  [[nodiscard]] bool killed() const { return kills_ > 0; }

  // Does something with the engine, and whatever follows from it now. The successor of a manager that is killed over it
  // is asked again.
  void ask(const std::function<void(Engine&, Entry&)>& request, const std::string& name) {
    alive([&] {
      Engine& engine = manager_->engine;
      request(engine, entry(name));
      answer_all();
    });
  }
  void start(const std::string& name) {
    ask(
        [](Engine& engine, Entry& entry) {
          if (!process::is_running(entry.machine.state)) engine.start(entry, false, [](Answer) {});
        },
        name);
  }
  void stop(const std::string& name) {
    ask(
        [](Engine& engine, Entry& entry) {
          if (process::is_running(entry.machine.state)) engine.stop(entry, false, [](Answer) {});
        },
        name);
  }
  void exits(const std::string& name, int status) {
    outside.end(name, status);
    alive([this] { answer_all(); });
  }
  void wait(seconds time) {
    for (auto left = time * 10; left > seconds(0); left -= seconds(1)) {
      outside.clock.time.mono += std::chrono::milliseconds(100);
      outside.clock.time.wall += std::chrono::milliseconds(100);
      alive([this] {
        manager_->engine.on_time();
        answer_all();
      });
    }
  }

  State state(const std::string& name) { return entry(name).machine.state; }
  Entry& entry(const std::string& name) { return *manager_->engine.table().group(name)->find(name); }

  // The bodies of all events, in the order in which the listener got them, but for those about itself.
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> found;
    std::string_view rest = told_;
    while (!rest.empty()) {
      const std::string_view header = rest.substr(0, rest.find('\n') + 1);
      const auto at = [&](std::string_view name) { return header.substr(header.find(name) + name.size()); };
      const auto length = static_cast<std::size_t>(*to_int(trim(at(" len:"))));
      const std::string_view type = at(" eventname:");
      const std::string body(rest.substr(header.size(), length));
      if (body.find("processname:listener") == body.npos)
        found.push_back(std::string(type.substr(0, type.find(' '))) + " " + body);
      rest.remove_prefix(header.size() + length);
    }
    return found;
  }

  Outside outside;
  std::vector<std::string> lines;  // of the log

 private:
  struct Manager {
    explicit Manager(Scene& scene)
        : log(scene.outside.fate, scene.lines), inputs(scene.outside.fate, scene.told_), outside(scene.outside) {
      output.engine = &engine;
    }
    void add(const Program& program) {
      world.add(program);
      engine.add_group(world.groups.back(), 1);
    }
    World world;  // for its configuration
    MortalLog log;
    FakeOutput output;
    FakeFiles files;
    MortalInputs inputs;
    FakeListenerOutputs listener_outputs;
    Outside& outside;
    Engine engine{{outside.clock, log, outside, output, files, inputs, listener_outputs, nullptr},
                  {.identifier = "supervisor",
                   .child_log_directory = "/tmp",
                   .server_url = "unix:///s",
                   .path = "/bin",
                   .strip_ansi = false,
                   .is_init = false,
                   .echo_output = false}};
  };

  // Everything that is on its way arrives, and the listener answers.
  void answer_all() {
    for (;;) {
      if (!outside.notices.empty()) {
        const auto notice = outside.notices.front();
        outside.notices.pop_front();
        notice(manager_->engine);
      } else if (!manager_->output.drains.empty()) {
        manager_->output.answer_drains();
      } else if (told_.size() > answered_) {
        answered_ = told_.size();
        manager_->engine.on_listener_output(entry("listener").id, "RESULT 2\nOKREADY\n");
      } else {
        return;
      }
    }
  }

  void alive(const std::function<void()>& work) {
    for (;;) {
      try {
        return work();
      } catch (const Killed&) {
        ++kills_;
        outside.fate.left = std::numeric_limits<int>::max();
        succeed();
      }
    }
  }

  void succeed() {
    auto next = std::make_unique<Manager>(*this);
    for (const Program& program : programs_)
      next->world.add(program);
    outside.notices.clear();
    std::vector<keeper::Restored::Child> restored;
    SessionRecord session;
    for (const auto& [id, child] : outside.table) {
      if (id == session_id) {
        session = *read_session_record(child.record);
        continue;
      }
      keeper::Restored::Child& one = restored.emplace_back();
      one.id = id;
      one.pid = child.pid;
      one.record = child.record;
      if (child.pid != 0) one.in = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
      if (!child.status) continue;
      outside.notices.emplace_back([id = id, pid = child.pid, status = *child.status](Engine& engine) {
        engine.on_exited(id, pid, {.status = status});
      });
    }
    std::vector<std::pair<std::shared_ptr<const config::Group>, std::uint32_t>> groups;
    for (const auto& group : next->world.groups)
      groups.emplace_back(group, 1);
    manager_ = std::move(next);
    manager_->engine.restore(session, std::move(groups), std::move(restored), outside.held);
    answer_all();
    manager_->engine.on_time();
    answer_all();
  }

  std::vector<Program> programs_;
  std::string told_;
  std::size_t answered_ = 0;
  int kills_ = 0;
  std::unique_ptr<Manager> manager_;
};

// What is left to compare when it is all over.
struct Outcome {
  std::vector<std::string> history, told, lines;
};

// The death may cost one line of the daemon's log, the one that was due.
bool all_but_one(const std::vector<std::string>& lines, const std::vector<std::string>& expected) {
  auto at = expected.begin();
  for (const std::string& line : lines) {
    at = std::find(at, expected.end(), line);
    if (at++ == expected.end()) return false;
  }
  return lines.size() + 1 >= expected.size();
}

// Runs the story without a death, then with one before each act of the manager; all must come out the same.
void check(const std::vector<Program>& programs, const std::function<void(Scene&)>& story) {
  const auto run = [&](int left) {
    Scene scene(programs);
    scene.start("listener");
    scene.ask([](Engine& engine, Entry& entry) { engine.on_listener_output(entry.id, "READY\n"); }, "listener");
    scene.wait(seconds(2));
    scene.kill_after(left);
    story(scene);
    return std::pair(scene.killed(), Outcome{scene.outside.history, scene.told(), scene.lines});
  };
  const Outcome expected = run(std::numeric_limits<int>::max()).second;
  for (int left = 0;; ++left) {
    SCOPED_TRACE(fmt::format("killed before act {}", left));
    const auto [killed, outcome] = run(left);
    if (!killed) return;
    EXPECT_EQ(outcome.history, expected.history);
    EXPECT_EQ(outcome.told, expected.told);
    EXPECT_TRUE(all_but_one(outcome.lines, expected.lines)) << testing::PrintToString(outcome.lines);
    ASSERT_LT(left, 1000);
  }
}

constexpr int exited(int code) {
  return code << 8;
}

TEST(CrashPoints, OfAStart) {
  check({{.name = "x"}}, [](Scene& scene) {
    scene.start("x");
    scene.wait(seconds(2));
    EXPECT_EQ(scene.state("x"), State::running);
  });
}

TEST(CrashPoints, OfAnExitThatIsExpected) {
  check({{.name = "x"}}, [](Scene& scene) {
    scene.start("x");
    scene.wait(seconds(2));
    scene.exits("x", exited(0));
    scene.wait(seconds(2));
    EXPECT_EQ(scene.state("x"), State::exited);
    EXPECT_EQ(scene.entry("x").exit_status, 0);
  });
}

TEST(CrashPoints, OfAnExitAndTheRestartAfterIt) {
  check({{.name = "x"}}, [](Scene& scene) {
    scene.start("x");
    scene.wait(seconds(2));
    scene.exits("x", exited(7));
    scene.wait(seconds(2));
    EXPECT_EQ(scene.state("x"), State::running);
    EXPECT_EQ(scene.entry("x").machine.pid, scene.outside.table[scene.entry("x").id].pid);
    scene.exits("x", exited(7));
    scene.wait(seconds(2));
    EXPECT_EQ(scene.state("x"), State::running);
  });
}

TEST(CrashPoints, OfFailingStartsUntilItIsFatal) {
  check({{.name = "x", .startretries = 2}}, [](Scene& scene) {
    scene.start("x");
    for (int n = 0; n < 3; ++n) {
      scene.exits("x", exited(1));
      scene.wait(seconds(n + 1));
    }
    EXPECT_EQ(scene.state("x"), State::fatal);
  });
}

TEST(CrashPoints, OfACommandThatIsNotThere) {
  check({{.name = "x", .command = "nosuch", .startretries = 2}}, [](Scene& scene) {
    scene.start("x");
    scene.wait(seconds(5));
    EXPECT_EQ(scene.state("x"), State::fatal);
    EXPECT_EQ(scene.entry("x").spawn_error, "can't find command 'nosuch'");
  });
}

TEST(CrashPoints, OfAStop) {
  check({{.name = "x", .restart = config::Restart::always}}, [](Scene& scene) {
    scene.outside.obedient.insert("x");
    scene.start("x");
    scene.wait(seconds(2));
    scene.stop("x");
    scene.wait(seconds(2));
    EXPECT_EQ(scene.state("x"), State::stopped);
  });
}

TEST(CrashPoints, OfAStopThatIsNotObeyed) {
  check({{.name = "x", .stopwaitsecs = 3, .restart = config::Restart::always}}, [](Scene& scene) {
    scene.start("x");
    scene.wait(seconds(2));
    scene.stop("x");
    scene.wait(seconds(5));
    EXPECT_EQ(scene.state("x"), State::stopped);
  });
}

}  // namespace
}  // namespace sup::engine
