// What an event listener says on its standard output, as a pure parser.
//
// A listener says READY, gets one event, and answers RESULT with "OK" or anything else. The parser is given bytes as
// they come, in pieces of any size, and answers with the steps that they make. It keeps at most one line of them.
// Rules and texts are Supervisor's (docs/events.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace sup::process {

enum class ListenerState : std::uint8_t {
  ready = 10,         // can be sent an event
  busy = 20,          // was sent one and has not answered
  acknowledged = 30,  // new, or has answered, and has not said READY yet
  unknown = 40,       // broke the protocol: gets no more events until it is started again
};

[[nodiscard]] std::string_view listener_state_name(ListenerState state) noexcept;  // "ACKNOWLEDGED"

// One change of state, and what it means for the event that the listener had.
struct ListenerStep {
  enum class Verdict : std::uint8_t {
    none,       // it had no event
    processed,  // OK
    rejected,   // any other result
    bad_line,   // `line` is not the beginning of a result, so the event counts as rejected
  };
  ListenerState from = ListenerState::acknowledged;
  ListenerState to = ListenerState::acknowledged;
  Verdict verdict = Verdict::none;
  std::string line;

  [[nodiscard]] bool returns_event() const { return verdict == Verdict::rejected || verdict == Verdict::bad_line; }
  bool operator==(const ListenerStep&) const = default;
};

class Listener {
 public:
  // A result line that is longer than this is a bad one.
  static constexpr std::size_t longest_line = 4096;

  Listener() = default;
  // One that has run under a former manager; `unfinished` as that manager had it.
  Listener(ListenerState state, std::string_view unfinished);

  [[nodiscard]] ListenerState state() const { return state_; }
  // What was read since the end of the last message, or bytes that say the same.
  [[nodiscard]] std::string unfinished() const;
  // It was sent an event: READY becomes BUSY.
  void sent();
  [[nodiscard]] std::vector<ListenerStep> feed(std::string_view bytes);

 private:
  using Steps = std::vector<ListenerStep>;

  void take_ready(std::string_view& bytes, Steps& steps);
  void take_result_line(std::string_view& bytes, Steps& steps);
  void take_result(std::string_view& bytes, Steps& steps);
  void go(ListenerState to, ListenerStep::Verdict verdict, Steps& steps);

  ListenerState state_ = ListenerState::acknowledged;
  std::string line_;           // the beginning of READY or of a result line
  bool in_result_ = false;     // the result line is complete
  std::uint64_t missing_ = 0;  // bytes of the result still to come
  std::string result_;         // its beginning: enough to tell OK from everything else
};

// Writes Supervisor's log lines about a step of the listener process `name`.
void log_step(Log& log, std::string_view name, const ListenerStep& step);

}  // namespace sup::process
