#include "process/listener.h"

#include <algorithm>

#include "base/strings.h"

namespace sup::process {
namespace {

constexpr std::string_view ready_token = "READY\n";
constexpr std::string_view good_result = "OK";
constexpr std::size_t result_token_length = std::string_view("RESULT ").size();

std::string_view take(std::string_view& bytes, std::size_t count) {
  const std::string_view taken = bytes.substr(0, count);
  bytes.remove_prefix(taken.size());
  return taken;
}

}  // namespace

std::string_view listener_state_name(ListenerState state) noexcept {
  switch (state) {
    case ListenerState::ready:
      return "READY";
    case ListenerState::busy:
      return "BUSY";
    case ListenerState::acknowledged:
      return "ACKNOWLEDGED";
    case ListenerState::unknown:
      break;
  }
  return "UNKNOWN";
}

Listener::Listener(ListenerState state, std::string_view unfinished) : state_(state) {
  static_cast<void>(feed(unfinished));
}

std::string Listener::unfinished() const {
  return in_result_ ? fmt::format("RESULT {}\n{}", missing_ + result_.size(), result_) : line_;
}

void Listener::sent() {
  if (state_ == ListenerState::ready) state_ = ListenerState::busy;
}

std::vector<ListenerStep> Listener::feed(std::string_view bytes) {
  Steps steps;
  while (!bytes.empty()) {
    switch (state_) {
      case ListenerState::acknowledged:
        take_ready(bytes, steps);
        break;
      case ListenerState::ready:
        go(ListenerState::unknown, ListenerStep::Verdict::none, steps);
        break;
      case ListenerState::busy:
        if (!in_result_) take_result_line(bytes, steps);
        if (in_result_) take_result(bytes, steps);
        break;
      case ListenerState::unknown:
        return steps;
    }
  }
  return steps;
}

void Listener::take_ready(std::string_view& bytes, Steps& steps) {
  line_ += take(bytes, ready_token.size() - line_.size());
  if (line_.size() < ready_token.size()) return;
  go(line_ == ready_token ? ListenerState::ready : ListenerState::unknown, ListenerStep::Verdict::none, steps);
}

// Whatever stands in the place of "RESULT " is let pass: Supervisor does, and there are listeners that rely on it.
void Listener::take_result_line(std::string_view& bytes, Steps& steps) {
  const std::size_t end = bytes.find('\n');
  line_ += take(bytes, std::min(end, longest_line + 1 - line_.size()));
  const bool too_long = line_.size() > longest_line;
  if (end == std::string_view::npos && !too_long) return;

  const auto length = to_int(std::string_view(line_).substr(std::min(line_.size(), result_token_length)));
  if (too_long || !length || *length < 0) {
    go(ListenerState::unknown, ListenerStep::Verdict::bad_line, steps);
    return;
  }
  take(bytes, 1);
  missing_ = static_cast<std::uint64_t>(*length);
  in_result_ = true;
}

void Listener::take_result(std::string_view& bytes, Steps& steps) {
  const std::string_view part = take(bytes, static_cast<std::size_t>(std::min<std::uint64_t>(missing_, bytes.size())));
  missing_ -= part.size();
  result_ += part.substr(0, good_result.size() + 1 - result_.size());
  if (missing_ > 0) return;
  const bool good = result_ == good_result;
  go(ListenerState::acknowledged, good ? ListenerStep::Verdict::processed : ListenerStep::Verdict::rejected, steps);
}

void Listener::go(ListenerState to, ListenerStep::Verdict verdict, Steps& steps) {
  const bool show = verdict == ListenerStep::Verdict::bad_line;
  steps.push_back({.from = state_, .to = to, .verdict = verdict, .line = show ? std::move(line_) : std::string()});
  state_ = to;
  line_.clear();
  in_result_ = false;
  missing_ = 0;
  result_.clear();
}

void log_step(Log& log, std::string_view name, const ListenerStep& step) {
  switch (step.verdict) {
    case ListenerStep::Verdict::none:
      break;
    case ListenerStep::Verdict::processed:
      log(Level::debug, "{}: event was processed", name);
      break;
    case ListenerStep::Verdict::rejected:
      log(Level::warn, "{}: event was rejected", name);
      break;
    case ListenerStep::Verdict::bad_line:
      log(Level::warn, "{}: bad result line: '{}'", name,
          is_utf8(step.line) ? step.line : "Undecodable: " + python_bytes_repr(step.line));
      break;
  }
  log(Level::debug, "{}: {} -> {}", name, listener_state_name(step.from), listener_state_name(step.to));
  if (step.to == ListenerState::unknown) {
    log(Level::warn,
        "{}: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process "
        "violated the eventlistener protocol",
        name);
  }
}

}  // namespace sup::process
