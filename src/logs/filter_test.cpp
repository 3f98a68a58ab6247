#include "logs/filter.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace sup::logs {
namespace {

const std::string begin_token = "<!--XSUPERVISOR:BEGIN-->";
const std::string end_token = "<!--XSUPERVISOR:END-->";

struct Collector final : FilterSink {
  std::string file;
  std::string events;
  std::vector<std::string> captures;

  void text(std::string_view bytes, bool captured) override {
    EXPECT_FALSE(bytes.empty());
    events += bytes;
    if (!captured) file += bytes;
  }
  void capture_ended(std::string content) override { captures.push_back(std::move(content)); }
  bool operator==(const Collector& other) const {
    return file == other.file && events == other.events && captures == other.captures;
  }
};

Collector run(Filter::Plan plan, const std::vector<std::string>& pieces) {
  Filter filter(plan);
  Collector out;
  for (std::string piece : pieces)
    filter.feed(piece, out);
  filter.finish(out);
  return out;
}

// The rules as Supervisor applies them to output that arrives in one piece.
std::string naive_strip(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "\x1b[") != 0) {
      out += text[i++];
    } else {
      const auto end = text.find_first_of("HfABCDRsuJKhlpm", i + 2);
      i = end == text.npos ? text.size() : end + 1;
    }
  }
  return out;
}

Collector naive(Filter::Plan plan, std::string text) {
  Collector out;
  const auto strip = [&](const std::string& s) { return plan.strip_ansi ? naive_strip(s) : s; };
  while (plan.capture_max > 0) {
    const auto begin = text.find(begin_token);
    if (begin == text.npos) break;
    const auto content = begin + begin_token.size();
    const auto end = text.find(end_token, content);
    out.file += strip(text.substr(0, begin));
    out.events += strip(text.substr(0, begin)) + strip(text.substr(content, end - content));
    if (end == text.npos) return out;
    out.captures.push_back(strip(text.substr(content, end - content)));
    text.erase(0, end + end_token.size());
  }
  out.file += strip(text);
  out.events += strip(text);
  return out;
}

// Text in which tokens and escape sequences, whole and broken, are frequent.
rc::Gen<std::string> troublesome_text() {
  const auto piece =
      rc::gen::oneOf(rc::gen::elementOf(std::vector<std::string>{
                         begin_token, end_token, begin_token, end_token, begin_token.substr(0, 23), "<!--X", "<",
                         "\x1b[31m", "\x1b", "\x1b[", "[", "m", "\x1b[2J", "\x1b\x1b[K", "\n", "hello, world"}),
                     rc::gen::container<std::string>(rc::gen::inRange(' ', '~')));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string text;
    for (const auto& each : pieces)
      text += each;
    return text;
  });
}

std::vector<std::string> random_split(const std::string& text) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, *rc::gen::element<std::size_t>(3, 30));
    pieces.push_back(text.substr(at, size));
    at += size;
  }
  return pieces;
}

TEST(Filter, gives_the_same_as_the_plain_rules_however_the_output_is_cut) {
  const bool ok = rc::check([] {
    const Filter::Plan plan{*rc::gen::arbitrary<bool>(), *rc::gen::element(0, 1 << 20)};
    const std::string text = *troublesome_text();
    const Collector expected = naive(plan, text);
    const Collector got = run(plan, random_split(text));
    RC_ASSERT(got.file == expected.file);
    RC_ASSERT(got.events == expected.events);
    RC_ASSERT(got.captures == expected.captures);
  });
  EXPECT_TRUE(ok);
}

TEST(Filter, removes_escape_sequences) {
  EXPECT_EQ(run({true, 0}, {"a\x1b[1;31mred\x1b[0m b\x1b[2Jc"}).file, "ared bc");
}

TEST(Filter, removes_a_sequence_that_arrives_in_two_pieces) {
  EXPECT_EQ(run({true, 0}, {"a\x1b", "[3", "1mb"}).file, "ab");
}

TEST(Filter, keeps_an_escape_character_that_begins_no_sequence) {
  EXPECT_EQ(run({true, 0}, {"a\x1b", "b\x1b"}).file,
            "a\x1b"
            "b\x1b");
}

TEST(Filter, swallows_up_to_the_terminator_as_supervisor_does) {
  EXPECT_EQ(run({true, 0}, {"\x1b[?25xyz m after"}).file, " after");
}

TEST(Filter, reports_what_stands_between_tokens_and_keeps_it_out_of_the_file) {
  const auto out = run({false, 100}, {"before" + begin_token + "inside" + end_token + "after"});
  EXPECT_EQ(out.file, "beforeafter");
  EXPECT_EQ(out.events, "beforeinsideafter");
  EXPECT_EQ(out.captures, std::vector<std::string>{"inside"});
}

TEST(Filter, passes_short_output_on_at_once_in_capture_mode) {
  Filter filter({false, 100});
  Collector out;
  std::string text = "hi\n";
  filter.feed(text, out);
  EXPECT_EQ(out.file, "hi\n");
}

TEST(Filter, writes_a_held_back_beginning_of_a_token_when_the_output_ends) {
  Filter filter({false, 100});
  Collector out;
  std::string text = "done <!--XSUPER";
  filter.feed(text, out);
  EXPECT_EQ(out.file, "done ");
  filter.finish(out);
  EXPECT_EQ(out.file, "done <!--XSUPER");
}

TEST(Filter, does_not_report_a_capture_that_never_ended) {
  const auto out = run({false, 100}, {begin_token + "inside"});
  EXPECT_EQ(out.file, "");
  EXPECT_EQ(out.events, "inside");
  EXPECT_TRUE(out.captures.empty());
}

TEST(Filter, drops_the_length_of_the_new_piece_from_the_front_of_a_full_capture) {
  const auto out = run({false, 10}, {begin_token, "01234567", "abc", end_token});
  EXPECT_EQ(out.captures, std::vector<std::string>{"34567abc"});
}

TEST(Filter, lets_one_piece_exceed_the_capture_limit_as_supervisor_does) {
  const auto out = run({false, 4}, {begin_token + "0123456789" + end_token});
  EXPECT_EQ(out.captures, std::vector<std::string>{"0123456789"});
}

TEST(Filter, never_holds_much_more_of_a_capture_than_its_limit) {
  const auto out = run({false, 1000}, {begin_token, std::string(600, 'a'), std::string(600, 'b'), std::string(600, 'c'),
                                       std::string(600, 'd'), end_token});
  EXPECT_EQ(out.captures, std::vector<std::string>{std::string(600, 'd')});
}

TEST(Filter, survives_very_many_tokens_in_one_piece) {
  std::string text;
  for (int i = 0; i < 20000; ++i)
    text += begin_token + "x" + end_token;
  EXPECT_EQ(run({false, 10}, {text}).captures.size(), 20000U);
}

std::vector<std::string> cut(const std::vector<std::string>& pieces) {
  LineCutter cutter;
  std::vector<std::string> lines;
  const auto out = [&](std::string_view line) { lines.emplace_back(line); };
  for (const auto& piece : pieces)
    cutter.feed(piece, out);
  cutter.finish(out);
  return lines;
}

TEST(LineCutter, joins_lines_that_arrive_in_pieces) {
  EXPECT_EQ(cut({"on", "e\ntw", "o\nthree"}), (std::vector<std::string>{"one", "two", "three"}));
}

TEST(LineCutter, sends_nothing_for_trailing_newlines_but_keeps_empty_lines_between_others) {
  EXPECT_EQ(cut({"a\n\n", "\nb\n\n\n"}), (std::vector<std::string>{"a", "", "", "b"}));
}

TEST(LineCutter, sends_an_endless_line_in_pieces) {
  const auto lines = cut({std::string(LineCutter::longest * 2 + 5, 'x') + "\nend\n"});
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].size(), LineCutter::longest);
  EXPECT_EQ(lines[2], "xxxxx");
  EXPECT_EQ(lines[3], "end");
}

TEST(LineCutter, gives_the_same_lines_however_the_output_is_cut) {
  const bool ok = rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', '\n'));
    RC_ASSERT(cut(random_split(text)) == cut({text}));
  });
  EXPECT_TRUE(ok);
}

TEST(FilterState, another_filter_goes_on_where_one_was_left) {
  const std::string text =
      "a\x1b[1mb<!--XSUPERVISOR:BEGIN-->in\x1b[0m<side<!--XSUPERVISOR:END-->c\x1b<!--XSUPERVISOR:B";
  for (const Filter::Plan plan : {Filter::Plan{true, 100}, Filter::Plan{true, 0}, Filter::Plan{false, 100}}) {
    const Collector whole = run(plan, {text});
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      Collector out;
      Filter first(plan);
      std::string piece = text.substr(0, cut);
      first.feed(piece, out);
      Filter second(plan);
      second.resume(first.state());
      piece = text.substr(cut);
      second.feed(piece, out);
      second.finish(out);
      EXPECT_EQ(out.file, whole.file) << cut;
      EXPECT_EQ(out.events, whole.events) << cut;
    }
  }
}

TEST(FilterState, damage_harms_nobody) {
  FilterState state;
  state.stripper = 200;
  state.held_size = 255;
  Filter filter({true, 100});
  filter.resume(state);
  Collector out;
  filter.finish(out);
  EXPECT_LE(out.file.size(), sizeof state.held);
}

}  // namespace
}  // namespace sup::logs
