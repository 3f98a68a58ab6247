// What holds for the machine whatever it is told, and what a day of ten thousand processes looks like.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <queue>
#include <random>

#include "process/machine.h"

namespace sup::process {
namespace {

using enum Input::Kind;

const std::vector<int> zero{0};
const Time t0{std::chrono::hours(1)};

Input only(Input::Kind kind) {
  return {.kind = kind, .pid = 0, .status = 0};
}

// The machine with the memory of an observer who knows only the contract.
struct Watched {
  Rules rules;
  Process process;
  bool spawn_open = false;  // a spawn was asked for and not answered
  long long spawns = 0;     // since the last STOPPED, FATAL, RUNNING or EXITED
  long long forced = 0;     // starts by somebody who did not wait for the next try
  Time now = t0;

  // Returns a complaint, or nothing.
  std::string give(Input input) {
    const Process before = process;
    const Outcome outcome = step(process, rules, input, now);
    if (before.state == State::backoff && input.kind == start) ++forced;
    if (spawn_open && before.pid == 0 && (input.kind == spawned || input.kind == spawn_failed)) spawn_open = false;
    if (outcome.effect == Effect::spawn) {
      if (spawn_open) return "two spawns without an answer";
      spawn_open = true;
      ++spawns;
    }
    if (outcome.change && outcome.change->from != before.state) return "a change that starts elsewhere";
    if (outcome.change.has_value() != (before.state != process.state)) return "a change that is no change";
    if (std::string complaint = check_state(outcome); !complaint.empty()) return complaint;
    if (outcome.again) return process.state == State::running ? give(input) : "again, but not RUNNING";
    return {};
  }

  std::string check_state(const Outcome& outcome) {
    const State state = process.state;
    if (process.pid != 0 && !can_signal(state) && state != State::unknown) return "a child in a dead state";
    if (state == State::running && process.pid == 0) return "RUNNING without a child";
    if ((outcome.effect == Effect::stop || outcome.effect == Effect::kill) && process.pid == 0)
      return "nobody to signal";
    if (spawn_open && state != State::starting && state != State::stopping) return "left before the answer";
    const bool must =
        (state == State::starting && process.pid != 0) || state == State::backoff || state == State::stopping;
    const bool may = must || state == State::exited;
    if (must && !process.deadline) return "nothing will ever happen";
    if (!may && process.deadline) return "a deadline without a meaning";
    const long long allowed = std::max<long long>(rules.start_retries, 0) + 1 + forced;
    if (process.failures < 0 || process.failures > allowed) return "too many failures";
    if (is_stopped(state) && state != State::unknown && process.failures != 0) return "failures survive";
    if (outcome.change && !is_known(*outcome.change)) return "a transition that Supervisor does not have";
    return {};
  }

  static bool is_known(Change change) {
    switch (change.to) {
      case State::stopped:
        return change.from == State::stopping || change.from == State::backoff;
      case State::starting:
        return change.from == State::stopped || change.from == State::exited || change.from == State::fatal ||
               change.from == State::backoff;
      case State::running:
        return change.from == State::starting;
      case State::backoff:
        return change.from == State::starting;
      case State::stopping:
        return change.from == State::starting || change.from == State::running;
      case State::exited:
        return change.from == State::running;
      case State::fatal:
        return change.from == State::backoff;
      case State::unknown:
        return can_signal(change.from);
    }
    return false;
  }
};

Rules random_rules() {
  return {.start_secs = Seconds(*rc::gen::inRange(0, 3)),
          .stop_wait = Seconds(*rc::gen::inRange(0, 3)),
          .start_retries = *rc::gen::inRange(-1, 4),
          .restart = *rc::gen::element(config::Restart::never, config::Restart::unexpected, config::Restart::always),
          .expected = &zero};
}

TEST(MachineProperty, NoListOfInputsBreaksTheContract) {
  EXPECT_TRUE(rc::check([] {
    Watched watched;
    watched.rules = random_rules();
    const auto kind_of_input =
        rc::gen::element(start, stop, spawned, spawn_failed, exited, timer, timer, signal_failed, shutdown);
    const auto kinds = *rc::gen::resize(1000, rc::gen::container<std::vector<Input::Kind>>(kind_of_input));
    for (const Input::Kind kind : kinds) {
      // Sometimes exactly the deadline, sometimes any moment.
      if (kind == timer && watched.process.deadline && *rc::gen::arbitrary<bool>()) {
        watched.now = std::max(watched.now, *watched.process.deadline);
      } else {
        watched.now += std::chrono::milliseconds(*rc::gen::inRange(0, 1500));
      }
      const std::string complaint = watched.give({.kind = kind, .pid = 7, .status = *rc::gen::inRange(-1, 3)});
      if (!complaint.empty()) RC_FAIL(complaint);
    }
  }));
}

TEST(MachineProperty, FatalComesAfterStartretriesPlusOneSpawnsWithWaitsOfOneTwoThreeSeconds) {
  EXPECT_TRUE(rc::check([] {
    Watched watched;
    watched.rules = random_rules();
    watched.rules.start_secs = Seconds(1);
    watched.rules.start_retries = *rc::gen::inRange(0, 30);
    RC_ASSERT(watched.give(only(start)).empty());
    Time ended = t0;
    while (watched.process.state != State::fatal) {
      if (watched.spawn_open && *rc::gen::arbitrary<bool>()) {  // it runs for less than a second, or does not start
        RC_ASSERT(watched.give({.kind = spawned, .pid = 7, .status = 0}).empty());
        watched.now += std::chrono::milliseconds(*rc::gen::inRange(0, 999));
        RC_ASSERT(watched.give({.kind = exited, .pid = 0, .status = *rc::gen::inRange(-1, 3)}).empty());
      } else {
        RC_ASSERT(watched.give(only(spawn_failed)).empty());
      }
      ended = watched.now;
      RC_ASSERT(watched.process.state == State::backoff);
      const bool last = watched.spawns > watched.rules.start_retries;
      RC_ASSERT(*watched.process.deadline - ended == Duration(Seconds(last ? 0 : watched.spawns)));
      watched.now = *watched.process.deadline;
      RC_ASSERT(watched.give(only(timer)).empty());
    }
    RC_ASSERT(watched.spawns == watched.rules.start_retries + 1);
  }));
}

TEST(MachineProperty, AStoppedProcessEndsStoppedWhateverItsChildDoes) {
  EXPECT_TRUE(rc::check([] {
    Watched watched;
    watched.rules = random_rules();
    RC_ASSERT(watched.give(only(start)).empty());
    const bool known = *rc::gen::arbitrary<bool>();
    if (known) RC_ASSERT(watched.give({.kind = spawned, .pid = 7, .status = 0}).empty());
    watched.now += std::chrono::milliseconds(*rc::gen::inRange(0, 5000));
    RC_ASSERT(watched.give(only(timer)).empty());
    RC_ASSERT(watched.give(only(stop)).empty());
    if (!known && *rc::gen::arbitrary<bool>()) {
      RC_ASSERT(watched.give(only(spawn_failed)).empty());
    } else {
      if (!known) RC_ASSERT(watched.give({.kind = spawned, .pid = 7, .status = 0}).empty());
      for (int kills = *rc::gen::inRange(0, 5); kills > 0; --kills) {
        watched.now = *watched.process.deadline;
        RC_ASSERT(watched.give(only(timer)).empty());
      }
      RC_ASSERT(watched.give({.kind = exited, .pid = 0, .status = -1}).empty());
    }
    RC_ASSERT(watched.process.state == State::stopped);
  }));
}

// ---- a simulated day

// Children that live for a while, start badly, ignore the stop signal or cannot be spawned, and clients who start and
// stop them; time jumps from one thing that happens to the next.
class World {
 public:
  explicit World(std::size_t count) : machines_(count), child_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      Watched& machine = machines_[i];
      machine.rules = {.start_secs = Seconds(i % 4),
                       .stop_wait = Seconds(1 + i % 10),
                       .start_retries = static_cast<long long>(i % 5),
                       .restart = static_cast<config::Restart>(i % 3),
                       .expected = &zero};
      machine.now = t0;
      at(t0, i, start);
      at(t0 + below(hour), i, i % 2 ? stop : start, true);
    }
  }

  // Returns the first complaint, or nothing when the day is over.
  std::string run_until(Time end) {
    while (!agenda_.empty() && agenda_.top().when < end) {
      const Item item = agenda_.top();
      agenda_.pop();
      if (std::string complaint = happen(item); !complaint.empty()) return complaint;
    }
    return {};
  }

  // Everybody is told to stop; a while later nobody may be left.
  void stop_all(Time when) {
    quiet_ = true;
    for (std::size_t i = 0; i < machines_.size(); ++i)
      at(when, i, stop);
  }

  std::size_t count(State state) const {
    std::size_t n = 0;
    for (const Watched& machine : machines_)
      n += machine.process.state == state;
    return n;
  }
  std::size_t unstopped() const {
    std::size_t n = 0;
    for (const Watched& machine : machines_)
      n += !is_stopped(machine.process.state);
    return n;
  }
  std::size_t size() const { return machines_.size(); }
  long long inputs() const { return inputs_; }
  long long kills() const { return kills_; }

 private:
  static constexpr Duration hour = std::chrono::hours(1);

  struct Item {
    Time when;
    std::size_t who;
    Input::Kind what;
    unsigned child;  // which child an answer or exit is about; 0: not about one
    bool client;     // a client's wish, which comes again and again
    bool operator<(const Item& other) const { return when > other.when; }
  };

  Duration below(Duration limit) { return Duration(random_() % static_cast<std::uint64_t>(limit.count())); }

  void at(Time when, std::size_t who, Input::Kind what, bool client = false) {
    const bool about_child = what == exited || what == spawned || what == spawn_failed;
    agenda_.push({when, who, what, about_child ? child_[who] : 0, client});
  }

  std::string happen(const Item& item) {
    if (item.child != 0 && item.child != child_[item.who]) return {};
    if (item.client) {
      if (quiet_) return {};
      at(item.when + hour + below(hour), item.who, item.what == stop ? start : stop, true);
    }
    Watched& machine = machines_[item.who];
    machine.now = item.when;
    const Process before = machine.process;
    const bool open_before = machine.spawn_open;
    const int status = random_() % 2 ? 0 : 1;
    if (item.what == exited) ++child_[item.who];
    if (std::string complaint = machine.give({.kind = item.what, .pid = 7, .status = status}); !complaint.empty()) {
      return complaint;
    }
    ++inputs_;
    live_on(item.who, before, open_before);
    return {};
  }

  // What the world does about the new state of `who`.
  void live_on(std::size_t who, const Process& before, bool open_before) {
    const Watched& machine = machines_[who];
    const Process& process = machine.process;
    if (process.deadline && process.deadline != before.deadline) at(*process.deadline, who, timer);
    if (machine.spawn_open && !open_before) {
      ++child_[who];
      at(machine.now + below(std::chrono::milliseconds(5)), who, random_() % 16 ? spawned : spawn_failed);
    }
    if (process.pid != 0 && before.pid == 0)
      at(machine.now + below(random_() % 8 ? 2 * hour : Seconds(4)), who, exited);
    const bool told = process.state == State::stopping && before.state != State::stopping && process.pid != 0;
    const bool answered_late = process.state == State::stopping && process.pid != 0 && before.pid == 0;
    if ((told || answered_late) && who % 7 != 0)
      at(machine.now + below(Seconds(2)), who, exited);  // others ignore TERM
    const bool killed = process.state == State::stopping && before.state == State::stopping && before.pid != 0;
    if (killed) {
      ++kills_;
      at(machine.now, who, exited);
    }
  }

  std::vector<Watched> machines_;
  std::vector<unsigned> child_;  // number of the current child of each
  std::priority_queue<Item> agenda_;
  std::mt19937_64 random_{20};
  long long inputs_ = 0;
  long long kills_ = 0;
  bool quiet_ = false;
};

TEST(MachineSimulation, TenThousandProcessesLiveThroughADayAndAllStopInTheEnd) {
  World world(10'000);
  const Time evening = t0 + std::chrono::hours(23);
  EXPECT_EQ(world.run_until(evening), "");
  EXPECT_GT(world.inputs(), 500'000);
  EXPECT_GT(world.kills(), 1'000);
  EXPECT_GT(world.count(State::running), world.size() / 10);
  EXPECT_EQ(world.count(State::unknown), 0U);
  world.stop_all(evening);
  EXPECT_EQ(world.run_until(evening + std::chrono::hours(1)), "");
  EXPECT_EQ(world.unstopped(), 0U);
}

}  // namespace
}  // namespace sup::process
