#include "logs/filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sup::logs {
namespace {

constexpr std::string_view begin_token = "<!--XSUPERVISOR:BEGIN-->";
constexpr std::string_view end_token = "<!--XSUPERVISOR:END-->";
constexpr std::string_view terminators = "HfABCDRsuJKhlpm";

static_assert(begin_token.size() <= sizeof FilterState::held && end_token.size() <= sizeof FilterState::held);

// How many of the last bytes may be the beginning of `token`. A '<' occurs only at a token's front.
std::size_t prefix_at_end(std::string_view bytes, std::string_view token) {
  const auto window = bytes.substr(bytes.size() - std::min(bytes.size(), token.size() - 1));
  const auto at = window.rfind('<');
  if (at == window.npos || !token.starts_with(window.substr(at))) return 0;
  return window.size() - at;
}

}  // namespace

std::string_view AnsiStripper::strip(std::span<char> bytes) {
  char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  char* out = begin;
  const char* in = begin;
  while (in < end) {
    switch (state_) {
      case State::text: {
        const auto* escape = static_cast<const char*>(std::memchr(in, '\x1b', static_cast<std::size_t>(end - in)));
        const char* stop = escape != nullptr ? escape : end;
        if (out != in) std::memmove(out, in, static_cast<std::size_t>(stop - in));
        out += stop - in;
        in = stop;
        if (in < end) {
          state_ = State::escape;
          ++in;
        }
        break;
      }
      case State::escape:
        if (*in == '[') {
          state_ = State::sequence;
          ++in;
        } else {
          *out++ = '\x1b';
          state_ = State::text;
        }
        break;
      case State::sequence:
        if (terminators.contains(*in++)) state_ = State::text;
        break;
    }
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

void Filter::feed(std::span<char> bytes, FilterSink& sink) {
  if (plan_.capture_max <= 0) {
    emit(bytes, sink);
  } else if (held_.empty()) {
    scan(bytes, sink);
  } else {
    std::string joined = std::exchange(held_, {});
    joined.append(bytes.data(), bytes.size());
    scan(joined, sink);
  }
}

void Filter::scan(std::span<char> bytes, FilterSink& sink) {
  for (;;) {
    const std::string_view rest(bytes.data(), bytes.size());
    const std::string_view token = capturing_ ? end_token : begin_token;
    const auto at = rest.find(token);
    if (at == rest.npos) {
      const auto text = rest.size() - prefix_at_end(rest, token);
      held_ = rest.substr(text);
      emit(bytes.first(text), sink);
      return;
    }
    emit(bytes.first(at), sink);
    toggle(sink);
    bytes = bytes.subspan(at + token.size());
  }
}

void Filter::emit(std::span<char> bytes, FilterSink& sink) {
  if (plan_.strip_ansi) {
    stripper_.feed(bytes, [&](std::string_view text) { deliver(text, sink); });
  } else {
    deliver({bytes.data(), bytes.size()}, sink);
  }
}

void Filter::deliver(std::string_view bytes, FilterSink& sink) {
  if (bytes.empty()) return;
  if (capturing_) {
    // Supervisor's rule: a write that does not fit drops its own length of the oldest bytes.
    if (static_cast<long long>(capture_.size() + bytes.size()) > plan_.capture_max) {
      capture_.erase(0, std::min(bytes.size(), capture_.size()));
    }
    capture_ += bytes;
  }
  sink.text(bytes, capturing_);
}

// A token ends what the stripper has begun: sequences do not reach across.
void Filter::toggle(FilterSink& sink) {
  stripper_.finish([&](std::string_view text) { deliver(text, sink); });
  capturing_ = !capturing_;
  if (!capturing_) sink.capture_ended(std::exchange(capture_, {}));
}

FilterState Filter::state() const {
  FilterState state;
  state.stripper = stripper_.state();
  state.capturing = capturing_;
  state.held_size = static_cast<std::uint8_t>(held_.copy(state.held, sizeof state.held));
  return state;
}

void Filter::resume(const FilterState& state) {
  stripper_.resume(state.stripper);
  capturing_ = state.capturing && plan_.capture_max > 0;
  held_.assign(state.held, std::min<std::size_t>(state.held_size, sizeof state.held));
}

void Filter::finish(FilterSink& sink) {
  std::string held = std::exchange(held_, {});
  emit(held, sink);
  stripper_.finish([&](std::string_view text) { deliver(text, sink); });
  capturing_ = false;
  capture_ = {};
}

}  // namespace sup::logs
