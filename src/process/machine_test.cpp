#include "process/machine.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace sup::process {
namespace {

using enum Input::Kind;
using Kind = Input::Kind;

constexpr std::array all_states{State::stopped,  State::starting, State::running, State::backoff,
                                State::stopping, State::exited,   State::fatal,   State::unknown};
constexpr std::array all_kinds{start, stop, spawned, spawn_failed, exited, timer, signal_failed, shutdown};

const Time t0{std::chrono::hours(1)};
const std::vector<int> zero_and_two{0, 2};

Rules common_rules() {
  return {.start_secs = Seconds(1),
          .stop_wait = Seconds(10),
          .start_retries = 3,
          .restart = config::Restart::unexpected,
          .expected = &zero_and_two};
}

Process in(State state, pid_t pid = 0) {
  return {.state = state, .pid = pid, .failures = 0, .deadline = {}, .started = {}};
}

Outcome give(Process& process, Kind kind, Time now, const Rules& rules = common_rules()) {
  return step(process, rules, {.kind = kind, .pid = 42, .status = 1}, now);
}

Outcome give_exit(Process& process, int status, Time now, const Rules& rules = common_rules()) {
  return step(process, rules, {.kind = exited, .pid = 0, .status = status}, now);
}

void expect_change(const Outcome& outcome, State from, State to) {
  ASSERT_TRUE(outcome.change);
  EXPECT_EQ(state_name(outcome.change->from), state_name(from));
  EXPECT_EQ(state_name(outcome.change->to), state_name(to));
}

// Every state with a child (where it can have one) or without, and with its deadline due, meets every input.
struct Row {
  State to;
  Effect effect = Effect::none;
};
using Table = std::map<std::pair<State, Kind>, Row>;

void check(const Table& table, bool live) {
  for (const State state : all_states) {
    for (const Kind kind : all_kinds) {
      SCOPED_TRACE(std::string(state_name(state)) + (live ? " with a child, input " : " without a child, input ") +
                   std::to_string(static_cast<int>(kind)));
      Process process = in(state, live && (can_signal(state) || state == State::unknown) ? 7 : 0);
      process.started = t0 - Seconds(5);
      process.failures = 1;
      if (state == State::exited || state == State::backoff || state == State::stopping ||
          (live && state == State::starting)) {
        process.deadline = t0;
      }
      const Process before = process;
      const Outcome outcome = give(process, kind, t0);
      const auto row = table.find({state, kind});
      if (row == table.end()) {
        EXPECT_EQ(process.state, before.state);
        EXPECT_EQ(outcome.effect, Effect::none);
        EXPECT_FALSE(outcome.change);
      } else {
        EXPECT_EQ(process.state, row->second.to);
        EXPECT_EQ(outcome.effect, row->second.effect);
        EXPECT_EQ(outcome.change.has_value(), process.state != before.state);
      }
    }
  }
}

const Table without_child{
    {{State::stopped, start}, {State::starting, Effect::spawn}},
    {{State::fatal, start}, {State::starting, Effect::spawn}},
    {{State::exited, start}, {State::starting, Effect::spawn}},
    {{State::exited, timer}, {State::starting, Effect::spawn}},
    {{State::backoff, start}, {State::starting, Effect::spawn}},
    {{State::backoff, timer}, {State::starting, Effect::spawn}},
    {{State::backoff, stop}, {State::stopped}},
    {{State::backoff, shutdown}, {State::fatal}},
    {{State::starting, stop}, {State::stopping}},
    {{State::starting, spawn_failed}, {State::backoff}},
    {{State::running, stop}, {State::stopping}},
    {{State::stopping, spawned}, {State::stopping, Effect::stop}},
    {{State::stopping, spawn_failed}, {State::stopped}},
};

TEST(Machine, EveryInputInEveryStateWithoutAChildDoesWhatTheTableSays) {
  check(without_child, false);
}

TEST(Machine, EveryInputInEveryStateWithAChildDoesWhatTheTableSays) {
  Table table{
      {{State::starting, stop}, {State::stopping, Effect::stop}},
      {{State::starting, timer}, {State::running}},
      {{State::starting, exited}, {State::running}},  // after five seconds it is not too quick
      {{State::starting, signal_failed}, {State::unknown}},
      {{State::running, stop}, {State::stopping, Effect::stop}},
      {{State::running, exited}, {State::exited}},
      {{State::running, signal_failed}, {State::unknown}},
      {{State::stopping, exited}, {State::stopped}},
      {{State::stopping, timer}, {State::stopping, Effect::kill}},
      {{State::stopping, signal_failed}, {State::unknown}},
  };
  for (const auto& entry : without_child) {
    if (!can_signal(entry.first.first)) table.insert(entry);
  }
  check(table, true);
}

TEST(Machine, AStartAsksForASpawnAndWaitsForTheAnswerWithoutADeadline) {
  Process process = in(State::stopped);
  const Outcome outcome = give(process, start, t0);
  EXPECT_EQ(outcome.effect, Effect::spawn);
  expect_change(outcome, State::stopped, State::starting);
  EXPECT_EQ(process.started, t0);
  EXPECT_FALSE(process.deadline);
  EXPECT_EQ(process.pid, 0);
}

TEST(Machine, RunningComesStrictlyLaterThanStartsecsAfterTheStart) {
  Process process = in(State::stopped);
  (void)give(process, start, t0);
  (void)give(process, spawned, t0 + Duration(500));
  EXPECT_EQ(process.pid, 42);
  EXPECT_EQ(process.deadline, t0 + Seconds(1) + Duration(1));
  EXPECT_FALSE(give(process, timer, t0 + Seconds(1)).change);
  expect_change(give(process, timer, t0 + Seconds(1) + Duration(1)), State::starting, State::running);
  EXPECT_FALSE(process.deadline);
}

TEST(Machine, AChildThatEndsBeforeStartsecsIsTooQuickWhateverItsStatus) {
  for (const int status : {0, 1, -1}) {
    Process process = in(State::starting, 7);
    process.started = t0;
    const Outcome outcome = give_exit(process, status, t0 + Seconds(1) - Duration(1));
    expect_change(outcome, State::starting, State::backoff);
    EXPECT_TRUE(outcome.too_quick);
    EXPECT_FALSE(outcome.again);
    EXPECT_EQ(process.failures, 1);
    EXPECT_EQ(process.pid, 0);
  }
}

TEST(Machine, AChildThatEndsAtStartsecsPassesThroughRunningToExited) {
  Process process = in(State::starting, 7);
  process.started = t0;
  process.failures = 2;
  const Outcome first = give_exit(process, 0, t0 + Seconds(1));
  expect_change(first, State::starting, State::running);
  EXPECT_TRUE(first.again);
  EXPECT_EQ(process.pid, 7) << "the RUNNING event shows it";
  EXPECT_EQ(process.failures, 0);
  const Outcome second = give_exit(process, 0, t0 + Seconds(1));
  expect_change(second, State::running, State::exited);
  EXPECT_FALSE(second.again);
  EXPECT_EQ(process.pid, 0);
}

TEST(Machine, WithStartsecsZeroNoExitIsTooQuick) {
  Rules rules = common_rules();
  rules.start_secs = {};
  Process process = in(State::stopped);
  (void)give(process, start, t0, rules);
  (void)give(process, spawned, t0, rules);
  EXPECT_TRUE(give_exit(process, 127, t0, rules).again);
}

TEST(Machine, WaitsGrowByASecondUntilItGivesUpAtOnce) {
  Process process = in(State::stopped);
  Time now = t0;
  (void)give(process, start, now);
  for (long long failures = 1; failures <= 3; ++failures) {
    (void)give(process, spawn_failed, now);
    EXPECT_EQ(process.failures, failures);
    ASSERT_EQ(process.deadline, now + Seconds(failures));
    now = *process.deadline;
    const Outcome retry = give(process, timer, now);
    expect_change(retry, State::backoff, State::starting);
    EXPECT_EQ(retry.effect, Effect::spawn);
    EXPECT_EQ(process.failures, failures) << "STARTING shows the tries so far";
  }
  (void)give(process, spawn_failed, now);
  EXPECT_EQ(process.failures, 4) << "BACKOFF shows the last try too";
  ASSERT_EQ(process.deadline, now);
  expect_change(give(process, timer, now), State::backoff, State::fatal);
  EXPECT_EQ(process.failures, 0);
  EXPECT_FALSE(process.deadline);
}

TEST(Machine, WithoutRetriesTheFirstFailureIsFatal) {
  Rules rules = common_rules();
  rules.start_retries = 0;
  Process process = in(State::stopped);
  (void)give(process, start, t0, rules);
  (void)give(process, spawn_failed, t0, rules);
  expect_change(give(process, timer, t0, rules), State::backoff, State::fatal);
}

TEST(Machine, AManualStopForgetsFailedStarts) {
  Process waiting = in(State::backoff);
  waiting.failures = 3;
  waiting.deadline = t0 + Seconds(3);
  expect_change(give(waiting, stop, t0), State::backoff, State::stopped);
  EXPECT_EQ(waiting.failures, 0);
  EXPECT_FALSE(waiting.deadline);

  Process starting = in(State::starting, 7);
  starting.failures = 3;
  (void)give(starting, stop, t0);
  (void)give_exit(starting, -1, t0);
  EXPECT_EQ(starting.state, State::stopped);
  EXPECT_EQ(starting.failures, 0);
}

TEST(Machine, AnExitIsRestartedAtOnceIfTheRulesSaySo) {
  struct Case {
    config::Restart restart;
    int status;
    bool restarted;
  };
  for (const Case& each : {Case{config::Restart::never, 1, false}, Case{config::Restart::unexpected, 0, false},
                           Case{config::Restart::unexpected, 2, false}, Case{config::Restart::unexpected, 1, true},
                           Case{config::Restart::unexpected, -1, true}, Case{config::Restart::always, 0, true}}) {
    SCOPED_TRACE(each.status);
    Rules rules = common_rules();
    rules.restart = each.restart;
    Process process = in(State::running, 7);
    expect_change(give_exit(process, each.status, t0, rules), State::running, State::exited);
    EXPECT_EQ(process.deadline, each.restarted ? std::optional(t0) : std::nullopt);
    EXPECT_EQ(give(process, timer, t0, rules).effect, each.restarted ? Effect::spawn : Effect::none);
  }
}

TEST(Machine, AStopOrAShutdownCancelsARestartThatIsDue) {
  for (const Kind kind : {stop, shutdown}) {
    Process process = in(State::exited);
    process.deadline = t0;
    EXPECT_FALSE(give(process, kind, t0).change);
    EXPECT_EQ(give(process, timer, t0).effect, Effect::none);
    EXPECT_EQ(process.state, State::exited);
  }
}

TEST(Machine, AStopSignalsOnceAndThenKillsEveryStopwaitsecs) {
  Process process = in(State::running, 7);
  EXPECT_EQ(give(process, stop, t0).effect, Effect::stop);
  EXPECT_EQ(process.deadline, t0 + Seconds(10));
  EXPECT_EQ(give(process, stop, t0 + Seconds(3)).effect, Effect::none);
  EXPECT_EQ(process.deadline, t0 + Seconds(10)) << "a second stop does not prolong the first";
  EXPECT_EQ(give(process, timer, t0 + Seconds(10)).effect, Effect::kill);
  EXPECT_EQ(process.deadline, t0 + Seconds(20));
  EXPECT_EQ(give(process, timer, t0 + Seconds(20)).effect, Effect::kill);
  expect_change(give_exit(process, -1, t0 + Seconds(20)), State::stopping, State::stopped);
  EXPECT_FALSE(process.deadline);
}

TEST(Machine, WithStopwaitsecsZeroItKillsAtOnceButNotInATightLoop) {
  Rules rules = common_rules();
  rules.stop_wait = {};
  Process process = in(State::running, 7);
  (void)give(process, stop, t0, rules);
  EXPECT_EQ(give(process, timer, t0, rules).effect, Effect::kill);
  EXPECT_EQ(process.deadline, t0 + Seconds(1));
}

TEST(Machine, AStopBeforeTheSpawnIsAnsweredSignalsTheChildWhenItIsKnown) {
  Process process = in(State::stopped);
  (void)give(process, start, t0);
  expect_change(give(process, stop, t0), State::starting, State::stopping);
  EXPECT_EQ(give(process, timer, t0 + Seconds(10)).effect, Effect::none) << "there is nobody to kill yet";
  EXPECT_EQ(give(process, spawned, t0 + Seconds(11)).effect, Effect::stop);
  EXPECT_EQ(process.pid, 42);
  EXPECT_EQ(process.deadline, t0 + Seconds(21));
}

TEST(Machine, AnUnknownProcessKeepsItsChildUntilItIsReapedAndCannotBeStarted) {
  Process process = in(State::stopping, 7);
  process.deadline = t0;
  expect_change(give(process, signal_failed, t0), State::stopping, State::unknown);
  EXPECT_EQ(process.pid, 7);
  EXPECT_FALSE(process.deadline);
  EXPECT_FALSE(give_exit(process, 0, t0).change);
  EXPECT_EQ(process.pid, 0);
  EXPECT_EQ(give(process, start, t0).effect, Effect::none);
}

TEST(Machine, RulesAreReadFromOptionsAndHugeTimesStayInRange) {
  config::ProgramOptions options;
  options.startsecs = 9'000'000'000'000'000'000;
  options.stopwaitsecs = 4;
  options.startretries = 7;
  options.autorestart = config::Restart::always;
  options.exitcodes = {0, 9};
  const Rules rules = rules_of(options);
  EXPECT_GT(rules.start_secs, std::chrono::hours(24 * 365 * 50));
  EXPECT_EQ(rules.stop_wait, Seconds(4));
  EXPECT_EQ(rules.start_retries, 7);
  EXPECT_EQ(rules.restart, config::Restart::always);
  EXPECT_TRUE(is_expected(rules, 9));
  EXPECT_FALSE(is_expected(rules, 1));
  Process process = in(State::starting);
  process.started = t0;
  (void)give(process, spawned, t0, rules);
  EXPECT_GT(*process.deadline, t0 + std::chrono::hours(24 * 365 * 50));
}

TEST(Machine, ADeathBySignalIsNeverExpected) {
  const std::vector<int> odd{-1, 0};
  Rules rules = common_rules();
  rules.expected = &odd;
  EXPECT_FALSE(is_expected(rules, -1));
  EXPECT_TRUE(is_expected(rules, 0));
}

TEST(Machine, StatesHaveSupervisorsNamesNumbersAndSets) {
  struct Case {
    State state;
    int number;
    const char* name;
    const char* sets;  // s: stopped, r: running, c: can be signalled
  };
  for (const Case& each : {Case{State::stopped, 0, "STOPPED", "s"}, Case{State::starting, 10, "STARTING", "rc"},
                           Case{State::running, 20, "RUNNING", "rc"}, Case{State::backoff, 30, "BACKOFF", "r"},
                           Case{State::stopping, 40, "STOPPING", "c"}, Case{State::exited, 100, "EXITED", "s"},
                           Case{State::fatal, 200, "FATAL", "s"}, Case{State::unknown, 1000, "UNKNOWN", "s"}}) {
    std::string sets;
    if (is_stopped(each.state)) sets += 's';
    if (is_running(each.state)) sets += 'r';
    if (can_signal(each.state)) sets += 'c';
    EXPECT_EQ(static_cast<int>(each.state), each.number);
    EXPECT_EQ(state_name(each.state), each.name);
    EXPECT_EQ(sets, each.sets) << each.name;
  }
}

}  // namespace
}  // namespace sup::process
