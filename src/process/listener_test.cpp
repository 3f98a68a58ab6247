#include "process/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace sup::process {
namespace {

using enum ListenerState;
using Verdict = ListenerStep::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;

ListenerStep moved(ListenerState from, ListenerState to, Verdict verdict = Verdict::none, std::string line = {}) {
  return {.from = from, .to = to, .verdict = verdict, .line = std::move(line)};
}

Listener busy_listener() {
  Listener listener;
  (void)listener.feed("READY\n");
  listener.sent();
  return listener;
}

TEST(Listener, IsReadyWhenItSaysSoAndNotBefore) {
  Listener listener;
  EXPECT_EQ(listener.state(), acknowledged);
  EXPECT_THAT(listener.feed(""), IsEmpty());
  EXPECT_THAT(listener.feed("REA"), IsEmpty());
  EXPECT_THAT(listener.feed("DY"), IsEmpty());
  EXPECT_THAT(listener.feed("\n"), ElementsAre(moved(acknowledged, ready)));
}

TEST(Listener, SixOtherBytesInsteadOfReadyBreakTheProtocol) {
  Listener listener;
  EXPECT_THAT(listener.feed("hello"), IsEmpty());
  EXPECT_THAT(listener.feed(" world\nREADY\n"), ElementsAre(moved(acknowledged, unknown)));
  EXPECT_THAT(listener.feed("READY\n"), IsEmpty()) << "for ever";
}

TEST(Listener, AnythingSaidWhileReadyBreaksTheProtocol) {
  Listener listener;
  EXPECT_THAT(listener.feed("READY\nREADY\n"), ElementsAre(moved(acknowledged, ready), moved(ready, unknown)));
}

TEST(Listener, ExactlyOkMeansProcessed) {
  Listener listener = busy_listener();
  EXPECT_THAT(listener.feed("RESULT 2\nOK"), ElementsAre(moved(busy, acknowledged, Verdict::processed)));
  for (const char* other : {"RESULT 4\nFAIL", "RESULT 3\nOK\n", "RESULT 2\nok", "RESULT 1\nO", "RESULT 6\nOKOKOK"}) {
    listener = busy_listener();
    EXPECT_THAT(listener.feed(other), ElementsAre(moved(busy, acknowledged, Verdict::rejected))) << other;
  }
}

TEST(Listener, AResultOfNoBytesIsCompleteWithItsLine) {
  Listener listener = busy_listener();
  EXPECT_THAT(listener.feed("RESULT 0"), IsEmpty());
  EXPECT_THAT(listener.feed("\n"), ElementsAre(moved(busy, acknowledged, Verdict::rejected)));
}

TEST(Listener, OneReadMayHoldTheResultAndTheNextReady) {
  Listener listener = busy_listener();
  EXPECT_THAT(listener.feed("RESULT 2\nOKREADY\n"),
              ElementsAre(moved(busy, acknowledged, Verdict::processed), moved(acknowledged, ready)));
}

TEST(Listener, TheFirstSevenBytesOfAResultLineAreNotLookedAt) {
  for (const char* line : {"1234567 2\nOK", "RESULT +2 \r\nOK", "RESULT_2\nOK"}) {
    Listener listener = busy_listener();
    EXPECT_THAT(listener.feed(line), ElementsAre(moved(busy, acknowledged, Verdict::processed))) << line;
  }
}

TEST(Listener, AResultLineWithoutALengthRejectsTheEventAndBreaksTheProtocol) {
  for (const std::string line :
       {"FOO", "", "RESULT", "RESULT x", "RESULT 2 2", "RESULT -1", "2", "RESULT 99999999999999999999999999"}) {
    Listener listener = busy_listener();
    EXPECT_THAT(listener.feed(line + "\nREADY\n"), ElementsAre(moved(busy, unknown, Verdict::bad_line, line)));
  }
}

TEST(Listener, AnEndlessResultLineIsABadOne) {
  Listener listener = busy_listener();
  EXPECT_THAT(listener.feed(std::string(Listener::longest_line, 'x')), IsEmpty());
  const auto steps = listener.feed("x");
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].verdict, Verdict::bad_line);

  Listener with_end = busy_listener();
  EXPECT_EQ(with_end.feed(std::string(100'000, 'x') + "\n").at(0).line.size(), Listener::longest_line + 1);
}

TEST(Listener, AnEnormousResultIsWaitedForWithoutBeingKept) {
  Listener listener = busy_listener();
  EXPECT_THAT(listener.feed("RESULT 9223372036854775807\n"), IsEmpty());
  const std::string chunk(1 << 20, 'x');
  for (int i = 0; i < 100; ++i)
    EXPECT_THAT(listener.feed(chunk), IsEmpty());
  EXPECT_EQ(listener.state(), busy);
}

TEST(Listener, OnlyAReadyOneCanBeSentAnEvent) {
  Listener listener;
  listener.sent();
  EXPECT_EQ(listener.state(), acknowledged);
}

// A long conversation cut into pieces anywhere gives the same steps as byte by byte.
TEST(ListenerProperty, HowTheBytesAreCutMakesNoDifference) {
  EXPECT_TRUE(rc::check([] {
    const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "READY\n", "RESULT 2\nOK", "RESULT 4\nFAIL", "RESULT 0\n", "READY", "\n", "RESULT ", "12\n", "x"));
    std::string text;
    for (const std::string& word : words)
      text += word;

    const auto converse = [&](auto next_size) {
      Listener listener;
      std::vector<ListenerStep> steps;
      for (std::size_t at = 0; at < text.size();) {
        // The daemon sends after a whole read; so that the cuts do not decide, cut at line ends too.
        std::size_t size = std::min<std::size_t>(next_size(), text.size() - at);
        if (const auto end = text.find('\n', at); end != std::string::npos) size = std::min(size, end + 1 - at);
        const auto more = listener.feed(std::string_view(text).substr(at, size));
        steps.insert(steps.end(), more.begin(), more.end());
        listener.sent();
        at += size;
      }
      return std::pair(steps, listener.state());
    };
    const auto whole = converse([] { return 1U; });
    const auto cut = converse([] { return static_cast<unsigned>(*rc::gen::inRange(1, 12)); });
    RC_ASSERT(whole == cut);
  }));
}

TEST(ListenerProperty, NoBytesWhateverDoMoreThanTheProtocolAllows) {
  EXPECT_TRUE(rc::check([] {
    Listener listener;
    const auto chunks = *rc::gen::container<std::vector<std::string>>(
        rc::gen::oneOf(rc::gen::string<std::string>(), rc::gen::element<std::string>("READY\n", "RESULT 2\nOK", "\n")));
    for (const std::string& chunk : chunks) {
      ListenerState state = listener.state();
      for (const ListenerStep& step : listener.feed(chunk)) {
        RC_ASSERT(step.from == state && step.from != step.to && step.from != unknown && step.to != busy);
        RC_ASSERT((step.from == busy) == (step.verdict != Verdict::none));
        RC_ASSERT((step.verdict == Verdict::bad_line) == (step.from == busy && step.to == unknown));
        state = step.to;
      }
      RC_ASSERT(listener.state() == state);
      if (state == ready && *rc::gen::arbitrary<bool>()) listener.sent();
    }
  }));
}

class Lines final : public Log {
 public:
  void write(Level level, std::string_view message) override {
    lines.push_back((level == Level::debug ? "DEBG " : "WARN ") + std::string(message));
  }
  [[nodiscard]] bool wants(Level) const override { return true; }
  std::vector<std::string> lines;
};

TEST(ListenerLog, SaysWhatSupervisorSays) {
  Lines log;
  log_step(log, "ev", moved(acknowledged, ready));
  log_step(log, "ev", moved(busy, acknowledged, Verdict::processed));
  log_step(log, "ev", moved(busy, acknowledged, Verdict::rejected));
  log_step(log, "ev", moved(busy, unknown, Verdict::bad_line, "FOO"));
  EXPECT_THAT(
      log.lines,
      ElementsAre("DEBG ev: ACKNOWLEDGED -> READY", "DEBG ev: event was processed", "DEBG ev: BUSY -> ACKNOWLEDGED",
                  "WARN ev: event was rejected", "DEBG ev: BUSY -> ACKNOWLEDGED", "WARN ev: bad result line: 'FOO'",
                  "DEBG ev: BUSY -> UNKNOWN",
                  "WARN ev: has entered the UNKNOWN state and will no longer receive events, this usually "
                  "indicates the process violated the eventlistener protocol"));
  log.lines.clear();
  log_step(log, "ev", moved(busy, unknown, Verdict::bad_line, "\xff"));
  EXPECT_EQ(log.lines.at(0), "WARN ev: bad result line: 'Undecodable: b'\\xff''");
}

}  // namespace
}  // namespace sup::process
