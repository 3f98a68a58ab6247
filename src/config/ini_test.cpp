#include "config/ini.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>

namespace sup::config {
namespace {

std::shared_ptr<const std::string> file(const char* name) {
  return std::make_shared<const std::string>(name);
}

// "[section] option=value; option=value", sections and options in order, line breaks in values as |.
std::string shown(const IniDocument& document) {
  std::string out;
  for (const auto& section : document.sections()) {
    if (!out.empty()) out += ' ';
    out += "[" + section.name() + "]";
    for (const auto& option : section.options()) {
      out += ' ' + option.name + '=';
      for (const char c : option.value)
        out += c == '\n' ? '|' : c;
      out += ';';
    }
  }
  return out;
}

struct Good {
  const char* about;
  const char* text;
  const char* sections;
  friend void PrintTo(const Good& c, std::ostream* out) { *out << c.about; }
};

class WellFormed : public testing::TestWithParam<Good> {};

TEST_P(WellFormed, IsReadAsPythonDoes) {
  IniDocument document;
  const auto problems = document.parse(GetParam().text, file("f"));
  EXPECT_TRUE(problems.empty()) << GetParam().about;
  EXPECT_EQ(shown(document), GetParam().sections) << GetParam().about;
}

INSTANTIATE_TEST_SUITE_P(
    Ini, WellFormed,
    testing::Values(
        Good{"plain", "[a]\nk=v\n[b]\nl = w\n", "[a] k=v; [b] l=w;"},
        Good{"a colon separates too, and the first separator counts", "[a]\nk:v=w\nl=x:y\n", "[a] k=v=w; l=x:y;"},
        Good{"names of options are lower case, those of sections are not", "[A]\nKEY=V\n", "[A] key=V;"},
        Good{"the last of two options wins in the place of the first", "[a]\nk=1\nl=2\nk=3\n", "[a] k=3; l=2;"},
        Good{"a section that comes again goes on", "[a]\nk=1\n[b]\n[a]\nk=2\nl=3\n", "[a] k=2; l=3; [b]"},
        Good{"an empty value is one", "[a]\nk=\n", "[a] k=;"},
        Good{"a comment needs white space before it", "[a]\nk=x#y;z\nl=x #y\nm=x\t;y\n", "[a] k=x#y;z; l=x; m=x;"},
        Good{"quotes do not protect from comments", "[a]\nk=sh -c \"a ; b\"\n", "[a] k=sh -c \"a;"},
        Good{"the first round in which a sign is valid decides", "[a]\nk=x#y #c ;d\n", "[a] k=x#y #c;"},
        Good{"the lower position of one round counts", "[a]\nk=a #b ;c\nl=a ;b #c\n", "[a] k=a; l=a;"},
        Good{"full-line comments do not end a value", "[a]\nk=1\n# c\n  2\n;c\n\t; c\n  3\n", "[a] k=1|2|3;"},
        Good{"indented lines continue, whatever they look like", "[a]\nk=1\n  [b]\n  l=2\n", "[a] k=1|[b]|l=2;"},
        Good{"only deeper lines continue", "[a]\n  k=1\n    2\n  l=3\n m=4\n", "[a] k=1|2; l=3; m=4;"},
        Good{"blank lines within a value stay, behind it they go", "[a]\nk=1\n\n  2\n\n\nl=3\n", "[a] k=1||2; l=3;"},
        Good{"a blank line that holds a comment adds nothing", "[a]\nk=1\n  ; c\n  2\n", "[a] k=1|2;"},
        Good{"a value may begin on the next line", "[a]\nk=\n  1\n  2\n", "[a] k=|1|2;"},
        Good{"a header ends the value", "[a]\nk=1\n[b]\n  l=2\n", "[a] k=1; [b] l=2;"},
        Good{"what follows a header is ignored", "[a] x = y\nk=1\n", "[a] k=1;"},
        Good{"the last bracket closes", "[a]b]\nk=1\n", "[a]b] k=1;"},
        Good{"names of sections are not trimmed", "[ a ]\nk=1\n", "[ a ] k=1;"},
        Good{"carriage returns end lines", "[a]\r\nk=1\r\n  2\r\n[b]\rl=3", "[a] k=1|2; [b] l=3;"},
        Good{"other white space is white space", "[a]\nk=\u00A0x\u3000\nl=x\u00A0;y\n", "[a] k=x; l=x;"},
        Good{"no last line end", "[a]\nk=1", "[a] k=1;"}, Good{"nothing", "", ""},
        Good{"comments before the first section", "# x\n\n  ; y\n[a]\n", "[a]"},
        Good{"defaults are no section", "[DEFAULT]\nk=1\n[a]\n", "[a]"}));

struct Bad {
  const char* about;
  const char* text;
  const char* message;
  int line;
  friend void PrintTo(const Bad& c, std::ostream* out) { *out << c.about; }
};

class Malformed : public testing::TestWithParam<Bad> {};

TEST_P(Malformed, IsReportedInPythonsWords) {
  IniDocument document;
  const auto problems = document.parse(GetParam().text, file("/x/f"));
  ASSERT_EQ(problems.size(), 1U) << GetParam().about;
  EXPECT_EQ(problems[0].message, GetParam().message) << GetParam().about;
  EXPECT_EQ(problems[0].place.line, GetParam().line) << GetParam().about;
  EXPECT_FALSE(problems[0].hint.empty()) << GetParam().about;
}

INSTANTIATE_TEST_SUITE_P(
    Ini, Malformed,
    testing::Values(
        Bad{"no header", "\n# c\nfoo=1\n", "File contains no section headers.\nfile: '/x/f', line: 3\n'foo=1\\n'", 3},
        Bad{"no header, no line end", "foo", "File contains no section headers.\nfile: '/x/f', line: 1\n'foo'", 1},
        Bad{"byte order mark", "\xEF\xBB\xBF[a]\n",
            "File contains no section headers.\nfile: '/x/f', line: 1\n'\\ufeff[a]\\n'", 1},
        Bad{"no separator", "[a]\nk=1\njunk\n", "Source contains parsing errors: '/x/f'\n\t[line  3]: 'junk\\n'", 3},
        Bad{"all bad lines are told", "[a]\njunk\n=x\nk=1\n'\n",
            "Source contains parsing errors: '/x/f'\n\t[line  2]: 'junk\\n'\n\t[line  3]: '=x\\n'\n\t[line  5]: "
            "\"'\\n\"",
            2},
        Bad{"an empty header is none", "[a]\n[]\n", "Source contains parsing errors: '/x/f'\n\t[line  2]: '[]\\n'",
            2}));

TEST(Ini, HasMessagesForOthersWithoutTheLinesThatMayBeSecrets) {
  IniDocument document;
  EXPECT_EQ(told_to_others(document.parse("[a]\njunk\nk=1\nmore\n", file("f")).at(0)),
            "Source contains parsing errors: 'f'\n\t[line  2]: '***'\n\t[line  4]: '***'");
  EXPECT_EQ(told_to_others(IniDocument().parse("junk\n[a]\n", file("f")).at(0)),
            "File contains no section headers.\nfile: 'f', line: 1\n'***'");
}

TEST(Ini, KeepsTheReadableRestOfABadFile) {
  IniDocument document;
  EXPECT_EQ(document.parse("[a]\njunk\nk=1\n", file("f")).size(), 1U);
  EXPECT_EQ(shown(document), "[a] k=1;");
}

TEST(Ini, KnowsWhereEverythingStands) {
  IniDocument document;
  ASSERT_TRUE(document.parse("\n[a]\nk=1\n  2\nl=3\n", file("one")).empty());
  ASSERT_TRUE(document.parse("[a]\n\nk=4\n[b]\n", file("two")).empty());
  const auto* a = document.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(*a->place().file, "one");
  EXPECT_EQ(a->place().line, 2);
  EXPECT_EQ(a->find("l")->place.line, 5);
  EXPECT_EQ(*a->find("k")->place.file, "two");
  EXPECT_EQ(a->find("k")->place.line, 3);
  EXPECT_EQ(*document.find("b")->place().file, "two");
  EXPECT_EQ(document.find("c"), nullptr);
}

TEST(Ini, GivesDefaultsToEverySection) {
  IniDocument document;
  ASSERT_TRUE(document.parse("[DEFAULT]\nk=1\nl=2\n[a]\nk=3\n", file("f")).empty());
  const auto& a = *document.find("a");
  EXPECT_EQ(document.option(a, "k")->value, "3");
  EXPECT_EQ(document.option(a, "l")->value, "2");
  EXPECT_EQ(document.option(a, "m"), nullptr);
}

TEST(Ini, FindsEachOfManyOptions) {
  IniDocument document;
  std::string text = "[a]\n";
  for (int i = 0; i < 100; ++i)
    text += "k" + std::to_string(i % 60) + "=" + std::to_string(i) + "\n";
  ASSERT_TRUE(document.parse(text, file("f")).empty());
  const auto& a = *document.find("a");
  ASSERT_EQ(a.options().size(), 60U);
  for (int i = 0; i < 60; ++i) {
    const auto* option = a.find("k" + std::to_string(i));
    ASSERT_NE(option, nullptr) << i;
    EXPECT_EQ(option->value, std::to_string(i < 40 ? i + 60 : i));
  }
  EXPECT_EQ(a.find("k60"), nullptr);
}

TEST(Ini, KeepsOnlyWhatIsWanted) {
  IniDocument document;
  document.keep_only([](std::string_view section) { return section == "b"; });
  ASSERT_TRUE(document.parse("[a]\nk=1\n  2\n\n  3\n[DEFAULT]\nd=1\n[b]\nk=2\n[a]\nl:4\n[b]\nm=3\n", file("f")).empty());
  EXPECT_EQ(shown(document), "[b] k=2; m=3;");
  EXPECT_EQ(document.option(*document.find("b"), "d")->value, "1");
  EXPECT_EQ(document.parse("[a]\nk=1\njunk\n", file("f")).at(0).message,
            "Source contains parsing errors: 'f'\n\t[line  3]: 'junk\\n'");
}

TEST(Ini, ReplacesHereInTheValuesThatExistByNow) {
  IniDocument document;
  ASSERT_TRUE(document.parse("[DEFAULT]\nd=%(here)s\n[a]\nk=%(here)s/%(here)s\n", file("f")).empty());
  document.replace_here("/x");
  ASSERT_TRUE(document.parse("[b]\nk=%(here)s\n", file("g")).empty());
  document.replace_here("/y");
  EXPECT_EQ(document.find("a")->find("k")->value, "/x//x");
  EXPECT_EQ(document.option(*document.find("a"), "d")->value, "/x");
  EXPECT_EQ(document.find("b")->find("k")->value, "/y");
  EXPECT_EQ(document.option(*document.find("b"), "d")->value, "/y");
}

}  // namespace
}  // namespace sup::config
