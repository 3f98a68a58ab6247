#include "config/expand.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace sup::config {
namespace {

Scope names() {
  Scope scope;
  scope.set("a", "str");
  scope.set("n", 7LL);
  scope.set("u", "\u00E4\u00F6\u00FC");
  return scope;
}

struct Case {
  const char* text;
  const char* result;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.text; }
};

class Expanding : public testing::TestWithParam<Case> {};

TEST_P(Expanding, GivesWhatPythonGives) {
  const auto result = expand(GetParam().text, names(), "o");
  ASSERT_TRUE(result.has_value()) << GetParam().text << ": " << result.error().message;
  EXPECT_EQ(*result, GetParam().result) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Expand, Expanding,
    testing::Values(Case{"", ""}, Case{"plain", "plain"}, Case{"100%%", "100%"}, Case{"%(a)s-%(n)s", "str-7"},
                    Case{"%(n)d", "7"}, Case{"%(n)i%(n)u", "77"}, Case{"%(n)05d", "00007"}, Case{"%(n)-5d|", "7    |"},
                    Case{"%(n)+d", "+7"}, Case{"%(n) d", " 7"}, Case{"%(n)#x", "0x7"}, Case{"%(n)#o", "0o7"},
                    Case{"%(n)#X", "0X7"}, Case{"%(n).3d", "007"}, Case{"%(n)5.3d", "  007"}, Case{"%(n)-05d", "7    "},
                    Case{"%(n)+05d", "+0007"}, Case{"%(n)f", "7.000000"}, Case{"%(n)e", "7.000000e+00"},
                    Case{"%(n)g", "7"}, Case{"%(n)10.2f", "      7.00"}, Case{"%(n)#.3g", "7.00"},
                    Case{"%(n)05s", "    7"}, Case{"%(n)r", "7"}, Case{"%(a)r", "'str'"}, Case{"%(a)5s|", "  str|"},
                    Case{"%(a)-5s|", "str  |"}, Case{"%(a).1s", "s"}, Case{"%(a)05s", "  str"}, Case{"%(a)ls", "str"},
                    Case{"%(u).2s", "\u00E4\u00F6"}, Case{"%(u)4s", " \u00E4\u00F6\u00FC"}));

class Refusing : public testing::TestWithParam<Case> {};

TEST_P(Refusing, GivesPythonsReason) {
  const auto result = expand(GetParam().text, names(), "program:x.command");
  ASSERT_FALSE(result.has_value()) << GetParam().text;
  EXPECT_EQ(result.error().message, "Format string '" + std::string(GetParam().text) +
                                        "' for 'program:x.command' is badly formatted: " + GetParam().result);
}

INSTANTIATE_TEST_SUITE_P(
    Expand, Refusing,
    testing::Values(
        Case{"%", "incomplete format"}, Case{"a %", "incomplete format"}, Case{"%(a)", "incomplete format"},
        Case{"%(a)5", "incomplete format"}, Case{"%(a).", "incomplete format"}, Case{"%(a", "incomplete format key"},
        Case{"%(a(b)", "incomplete format key"}, Case{"%(a)d", "%d format: a real number is required, not str"},
        Case{"%(a)x", "%x format: an integer is required, not str"}, Case{"%(a)f", "must be real number, not str"},
        Case{"%(a)c", "%c requires int or char"}, Case{"%d", "%d format: a real number is required, not dict"},
        Case{"%i", "%i format: a real number is required, not dict"},
        Case{"%x", "%x format: an integer is required, not dict"},
        Case{"50%off", "%o format: an integer is required, not dict"}, Case{"%f", "must be real number, not dict"},
        Case{"%*s", "* wants int"}, Case{"%q", "unsupported format character 'q' (0x71) at index 1"},
        Case{"%(n)b", "unsupported format character 'b' (0x62) at index 4"},
        Case{"\u00E9 %y", "unsupported format character 'y' (0x79) at index 3"},
        Case{"%(a)\u00E9", "unsupported format character '?' (0xe9) at index 4"},
        Case{"%5%", "unsupported format character '%' (0x25) at index 2"},
        Case{"%(n)99999999999999999999d", "width too big"}, Case{"%(n).99999999999999999999d", "precision too big"},
        Case{"date +%s", "%s without a name"}, Case{"%r", "%r without a name"},
        Case{"%(a)s %s", "not enough arguments for format string"},
        Case{"%(a)s %q", "not enough arguments for format string"}));

TEST(Expand, TakesStrayBytesForOneCharacterEach) {
  const auto result = expand("%(a)" + std::string(100, '\xBF'), names(), "o");
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().message.ends_with("unsupported format character '?' (0xbf) at index 4"));
}

TEST(Expand, TellsWhichNamesThereAre) {
  const Scope outer = names();
  Scope scope(&outer);
  scope.set("b", "x");
  scope.set("a", "inner");
  const auto result = expand("%(zz)s %(a)s", scope, "o");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message,
            "Format string '%(zz)s %(a)s' for 'o' contains names ('zz') which cannot be expanded. "
            "Available names: a, b, n, u");
}

TEST(Expand, OwnNamesHideThoseOfTheParent) {
  const Scope outer = names();
  Scope scope(&outer);
  scope.set("a", "inner");
  EXPECT_EQ(expand("%(a)s %(n)s", scope, "o"), "inner 7");
}

TEST(Expand, HintsAtTheMisspeltNameOrTheMissingVariable) {
  Scope scope;
  scope.set("program_name", "x");
  EXPECT_EQ(expand("%(progam_name)s", scope, "o").error().hint, "did you mean %(program_name)s?");
  EXPECT_EQ(expand("%(ENV_HOMER)s", scope, "o").error().hint, "the environment has no variable HOMER");
}

TEST(Expand, RemembersWhetherANameWasAskedFor) {
  Scope numbers;
  numbers.set("process_num", 1LL);
  const Scope scope(&numbers);
  EXPECT_TRUE(expand("100%%", scope, "o").has_value());
  EXPECT_FALSE(numbers.used());
  EXPECT_TRUE(expand("%(process_num)d", scope, "o").has_value());
  EXPECT_TRUE(numbers.used());
  numbers.forget_use();
  EXPECT_FALSE(numbers.used());
}

}  // namespace
}  // namespace sup::config
