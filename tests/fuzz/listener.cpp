// What an event listener writes. A byte 0xFF stands for the moment in which it is sent an event; between those it does
// not matter how its output is cut into pieces, nor whether every piece is read by another manager.
#include "process/listener.h"

#include "fuzz/fuzz.h"

namespace sup::fuzz {
namespace {

using process::Listener;
using process::ListenerState;
using process::ListenerStep;

struct Life {
  std::vector<ListenerStep> steps;
  ListenerState end = ListenerState::acknowledged;
  bool operator==(const Life&) const = default;
};

Life live(std::string_view bytes, unsigned choice, bool new_managers) {
  Listener listener;
  Life life;
  while (true) {
    const auto mark = bytes.find('\xFF');
    in_pieces(bytes.substr(0, mark), choice, [&](std::string_view piece) {
      for (ListenerStep& step : listener.feed(piece)) {
        require(step.from == life.end && step.from != ListenerState::unknown, "states follow one another");
        require(step.from == ListenerState::busy || step.verdict == ListenerStep::Verdict::none,
                "only who has an event can judge it");
        require(step.line.size() <= Listener::longest_line + 1, "a line has a largest size");
        life.end = step.to;
        life.steps.push_back(std::move(step));
      }
      require(listener.unfinished().size() <= Listener::longest_line + 32, "what is kept has a largest size");
      if (new_managers) listener = Listener(listener.state(), listener.unfinished());
    });
    require(listener.state() == life.end, "no state changes in silence");
    if (mark == bytes.npos) return life;
    bytes.remove_prefix(mark + 1);
    listener.sent();
    if (life.end == ListenerState::ready) life.end = ListenerState::busy;
  }
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto [choice, bytes] = input_of(data, size);
  const Life whole = live(bytes, 0, false);
  require(live(bytes, choice, false) == whole, "the cuts do not matter");
  require(live(bytes, choice, true) == whole, "the managers do not matter");
  return 0;
}
