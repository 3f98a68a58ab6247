// The output of a process on its way to the log: captures, escape sequences, lines. The cuts do not matter, as long as
// a capture stays within its limit; if it does not, it is cut to about that. Neither does it matter to the text whether
// every piece is filtered by another manager.
#include "logs/filter.h"

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"

namespace sup::fuzz {
namespace {

struct Sink final : logs::FilterSink {
  std::string text_outside, text_inside;
  std::vector<std::string> captures;
  std::size_t longest_capture = 0;
  bool operator==(const Sink& other) const {
    return text_outside == other.text_outside && text_inside == other.text_inside && captures == other.captures;
  }

  void text(std::string_view bytes, bool captured) override {
    require(!bytes.empty(), "a sink is never called in vain");
    (captured ? text_inside : text_outside) += bytes;
  }
  void capture_ended(std::string content) override {
    longest_capture = std::max(longest_capture, content.size());
    captures.push_back(std::move(content));
  }
};

Sink filtered(std::string_view bytes, logs::Filter::Plan plan, unsigned choice, bool new_managers = false) {
  Sink sink;
  logs::Filter filter(plan);
  in_pieces(bytes, choice, [&](std::string_view piece) {
    std::string own(piece);
    filter.feed(own, sink);
    if (!new_managers) return;
    const logs::FilterState state = filter.state();
    filter = logs::Filter(plan);
    filter.resume(state);
  });
  filter.finish(sink);
  require(sink.text_outside.size() + sink.text_inside.size() <= bytes.size(), "nothing is added");
  return sink;
}

std::string lines(std::string_view bytes, unsigned choice) {
  logs::LineCutter cutter;
  std::string all;
  const auto out = [&](std::string_view line) {
    require(line.size() <= logs::LineCutter::longest, "a line has a largest size");
    require(line.find('\n') == line.npos, "a line has no newline");
    all += line;
    all += '\n';
  };
  in_pieces(bytes, choice, [&](std::string_view piece) { cutter.feed(piece, out); });
  cutter.finish(out);
  return all;
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto [choice, bytes] = input_of(data, size);
  const auto plenty = static_cast<long long>(bytes.size()) + 1;
  for (const bool strip : {false, true}) {
    for (const long long capture_max : {0LL, plenty}) {
      const sup::logs::Filter::Plan plan{strip, capture_max};
      const Sink whole = filtered(bytes, plan, 0);
      require(filtered(bytes, plan, choice) == whole, "the cuts do not matter");
      const Sink handed_on = filtered(bytes, plan, choice, true);
      require(handed_on.text_outside == whole.text_outside && handed_on.text_inside == whole.text_inside,
              "the managers do not matter to the text");
    }
    constexpr long long small = 64;  // above the largest piece
    require(filtered(bytes, {strip, small}, choice | 1).longest_capture <= small, "a capture has a largest size");
  }
  require(filtered(bytes, {false, 0}, choice).text_outside == bytes, "without a plan nothing happens");
  require(lines(bytes, 0) == lines(bytes, choice), "the cuts do not matter to lines");
  return 0;
}
