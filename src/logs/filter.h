// What happens to output between the pipe and the file: capture mode, strip_ansi, lines for syslog.
//
// Pure code over a stream of bytes: however the stream is cut into pieces, the same comes out (only a capture that
// outgrows its limit depends on the pieces, as it does in Supervisor). Held back are at most a few bytes that may be
// the beginning of a token or an escape sequence; finish() lets them go.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sup::logs {

// Where a Filter puts what it makes. Views are valid during the call only.
class FilterSink {
 public:
  virtual ~FilterSink() = default;
  // Never empty. `captured`: it stands between capture tokens and is not meant for the log file.
  virtual void text(std::string_view bytes, bool captured) = 0;
  // A capture ended; `content` is the newest part of it, about capture_max bytes.
  virtual void capture_ended(std::string content) = 0;
};

// What a Filter holds back between two pieces, as plain bytes that can be put aside. The content of a capture is not
// part of it, only that there is one.
struct FilterState {
  std::uint8_t stripper = 0;
  bool capturing = false;
  std::uint8_t held_size = 0;
  char held[24] = {};  // at most a token without its last byte
};

// Removes ESC [ up to and including the first of HfABCDRsuJKhlpm.
class AnsiStripper {
 public:
  // Passes on what is left of `bytes`, which are overwritten, in at most two calls of `out`.
  template <class Out>
  void feed(std::span<char> bytes, Out&& out);
  // The stream ends here, or begins anew.
  template <class Out>
  void finish(Out&& out);
  [[nodiscard]] std::uint8_t state() const { return static_cast<std::uint8_t>(state_); }
  void resume(std::uint8_t state) { state_ = static_cast<State>(std::min<std::uint8_t>(state, 2)); }

 private:
  enum class State : std::uint8_t { text, escape, sequence };
  [[nodiscard]] std::string_view strip(std::span<char> bytes);

  State state_ = State::text;
};

class Filter {
 public:
  struct Plan {
    bool strip_ansi = false;
    long long capture_max = 0;  // > 0: look for capture tokens
  };

  explicit Filter(Plan plan) : plan_(plan) {}
  // The bytes are overwritten.
  void feed(std::span<char> bytes, FilterSink& sink);
  // The stream ends: what was held back goes where it belongs; a capture without end is dropped, as in Supervisor.
  void finish(FilterSink& sink);
  // Between two pieces. Another Filter that resumes there passes on the same text.
  [[nodiscard]] FilterState state() const;
  void resume(const FilterState& state);

 private:
  void scan(std::span<char> bytes, FilterSink& sink);
  void emit(std::span<char> bytes, FilterSink& sink);
  void deliver(std::string_view bytes, FilterSink& sink);
  void toggle(FilterSink& sink);

  Plan plan_;
  AnsiStripper stripper_;
  bool capturing_ = false;
  std::string capture_;
  std::string held_;  // perhaps the beginning of a token
};

// Cuts a stream into lines for syslog. Empty lines count only if others follow, so trailing newlines send nothing.
class LineCutter {
 public:
  // Longer lines are sent in pieces of this size.
  static constexpr std::size_t longest = 8192;

  // Calls `out(line)` for each line that is complete, without its newline.
  template <class Out>
  void feed(std::string_view bytes, Out&& out) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto room = longest - partial_.size();
      const auto piece = bytes.substr(0, end < room ? end : room);
      partial_ += piece;
      bytes.remove_prefix(piece.size());
      const bool ended = !bytes.empty() && bytes.front() == '\n';
      if (ended) bytes.remove_prefix(1);
      if (ended && partial_.empty()) {
        ++empty_;
      } else if (ended || partial_.size() == longest) {
        flush(out);
      }
    }
  }
  // The stream ends: its last line may have no newline.
  template <class Out>
  void finish(Out&& out) {
    if (!partial_.empty()) flush(out);
    empty_ = 0;
  }

 private:
  template <class Out>
  void flush(Out&& out) {
    for (; empty_ > 0; --empty_)
      out(std::string_view());
    out(std::string_view(partial_));
    std::string().swap(partial_);  // no buffers while nothing is in flight
  }

  std::string partial_;
  std::size_t empty_ = 0;
};

template <class Out>
void AnsiStripper::feed(std::span<char> bytes, Out&& out) {
  if (bytes.empty()) return;
  // An ESC that was held back turns out to be text.
  if (state_ == State::escape && bytes.front() != '[') {
    state_ = State::text;
    out(std::string_view("\x1b"));
  }
  if (const auto left = strip(bytes); !left.empty()) out(left);
}

template <class Out>
void AnsiStripper::finish(Out&& out) {
  if (state_ == State::escape) out(std::string_view("\x1b"));
  state_ = State::text;
}

}  // namespace sup::logs
