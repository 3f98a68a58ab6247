#include "config/shell_words.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "base/strings.h"

namespace sup::config {
namespace {

// Words in angle brackets, or the error.
std::string words(std::string_view text) {
  const auto split = shell_split(text);
  if (!split) return split.error();
  std::string out;
  for (const auto& word : *split)
    out += "<" + word + ">";
  return out;
}

// Pairs as KEY=value in angle brackets, or the error.
std::string pairs(std::string_view text) {
  const auto environment = parse_environment(text);
  if (!environment) return environment.error();
  std::string out;
  for (const auto& [name, value] : *environment)
    out += "<" + name + "=" + value + ">";
  return out;
}

TEST(ShellSplit, FollowsTheShellsQuoting) {
  EXPECT_EQ(words(""), "");
  EXPECT_EQ(words("  \t\r\n "), "");
  EXPECT_EQ(words("a b\n c\td"), "<a><b><c><d>");
  EXPECT_EQ(words("a 'b c' \"d e\""), "<a><b c><d e>");
  EXPECT_EQ(words("a'b'\"c\"d"), "<abcd>");
  EXPECT_EQ(words("'' \"\""), "<><>");
  EXPECT_EQ(words("a\\ b \\'c \\\\"), "<a b><'c><\\>");
  EXPECT_EQ(words("\"a\\\"b\\\\c\\nd\""), "<a\"b\\c\\nd>");
  EXPECT_EQ(words("'a\\b'"), "<a\\b>");
  EXPECT_EQ(words("a #b;c&d|e"), "<a><#b;c&d|e>");
  EXPECT_EQ(words("\u00E4 '\u00F6 \u00FC'"), "<\u00E4><\u00F6 \u00FC>");
  EXPECT_EQ(words("a\vb\fc"), "<a\vb\fc>");
  EXPECT_EQ(words("\\\u00E4"), "<\u00E4>");
}

TEST(ShellSplit, RefusesWhatIsNotClosed) {
  EXPECT_EQ(words("a 'b"), "No closing quotation");
  EXPECT_EQ(words("a \"b"), "No closing quotation");
  EXPECT_EQ(words("a\\"), "No escaped character");
  EXPECT_EQ(words("\"a\\"), "No escaped character");
}

RC_GTEST_PROP(ShellSplit, GivesBackWhatWasQuoted, (const std::vector<std::string>& wanted)) {
  std::string line;
  for (const auto& word : wanted) {
    line += " '";
    for (const char c : word)
      line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += "'";
  }
  const auto split = shell_split(line);
  RC_ASSERT(split.has_value());
  RC_ASSERT(*split == wanted);
}

TEST(Environment, TakesQuotedAndBareValues) {
  EXPECT_EQ(pairs(""), "");
  EXPECT_EQ(pairs("A=\"1\",B='2',C=3,D=\"a,b\""), "<A=1><B=2><C=3><D=a,b>");
  EXPECT_EQ(pairs("\n  A=\"1\",\n  B=2,\n"), "<A=1><B=2>");
  EXPECT_EQ(pairs("A = 1 , B = 2"), "<A=1><B=2>");
  EXPECT_EQ(pairs("A=/x/y.z:1+(2)-3"), "<A=/x/y.z:1+(2)-3>");
  EXPECT_EQ(pairs("A=\"\",B=2"), "<A=><B=2>");
  EXPECT_EQ(pairs("A=\u00E9\u00DF,B=2"), "<A=\u00E9\u00DF><B=2>");
}

TEST(Environment, TakesAnySeparator) {
  EXPECT_EQ(pairs("A=1;B=2"), "<A=1><B=2>");
  EXPECT_EQ(pairs("A=1,B=2,"), "<A=1><B=2>");
  EXPECT_EQ(pairs("A=http://x:80/y?z=1,B=2"), "<A=http://x:80/y><z=1><B=2>");
  EXPECT_EQ(pairs("A=*,B=2"), "<A=*><B=2>");
  EXPECT_EQ(pairs("A=\u00D7"), "<A=\u00D7>");
}

TEST(Environment, QuotesAsThePosixShellDoes) {
  EXPECT_EQ(pairs(R"(A="x\"y")"), R"(<A=x"y>)");
  EXPECT_EQ(pairs(R"(A="x\ny")"), R"(<A=x\ny>)");
  EXPECT_EQ(pairs(R"(A="x\\y")"), R"(<A=x\y>)");
  EXPECT_EQ(pairs(R"(A='x\y')"), R"(<A=x\y>)");
  EXPECT_EQ(pairs(R"(A='a'b"c")"), "<A=abc>");
  EXPECT_EQ(pairs(R"(A=a\,b,C=1)"), "<A=a,b><C=1>");
}

TEST(Environment, EndsAtAComment) {
  EXPECT_EQ(pairs("B=c#d"), "<B=c>");
  EXPECT_EQ(pairs("A=1,#x\nB=2"), "<A=1><B=2>");
  EXPECT_EQ(pairs("A='x#y'"), "<A=x#y>");
}

TEST(Environment, TheLastOfTwoValuesWinsInThePlaceOfTheFirst) {
  EXPECT_EQ(pairs("A=1,B=2,A=3"), "<A=3><B=2>");
}

TEST(Environment, RefusesWhatIsNoListOfPairs) {
  const auto refused = [](std::string_view shown) {
    return "Unexpected end of key/value pairs in value '" + std::string(shown) + "'";
  };
  for (const auto* text : {"A", "A=", ","})
    EXPECT_EQ(pairs(text), refused(text));
  for (const auto* text : {"A=a b,C=d", "A=,B=x", "A=#,B=1", "A=1,,", "A=se=cret x"})
    EXPECT_EQ(pairs(text), refused("A=***"));
  EXPECT_EQ(pairs("A=\"x"), "No closing quotation");
  EXPECT_EQ(pairs("A=\\"), "No escaped character");
}

}  // namespace
}  // namespace sup::config
