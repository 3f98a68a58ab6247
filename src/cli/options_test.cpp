#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "cli/help.h"

namespace sup::cli {
namespace {

using testing::ElementsAre;
using Words = std::vector<std::string>;

const std::vector<Option> table{
    {'c', "configuration", true, "FILENAME", "where to read"},
    {'n', "nodaemon", false, "", "stay"},
    {'k', "nocleanup", false, "", "keep"},
    {'l', "logfile", true, "FILENAME", "log"},
    {0, "logfile_maxbytes", true, "BYTES", "limit"},
    {'?', "", false, "", ""},
    {.long_name = "check", .exact_only = true},
    {.short_name = 'w', .long_name = "word", .takes_value = true, .repeatable = true},
};

// "-l=x" for -l with the value x, then the words behind "|"; or the mistake.
std::string shown(const Words& arguments) {
  const auto parsed = parse(arguments, table);
  if (!parsed) return parsed.error();
  std::string text;
  for (const Given& given : parsed->given) {
    text += given.spelled;
    if (given.option->takes_value) text += "=" + given.value;
    text += ' ';
  }
  text += '|';
  for (const std::string& word : parsed->words)
    text += ' ' + word;
  return text;
}

struct Case {
  Words arguments;
  std::string expected;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << testing::PrintToString(c.arguments); }
};

class Parsing : public testing::TestWithParam<Case> {};

TEST_P(Parsing, FollowsPythonsGetopt) {
  EXPECT_EQ(shown(GetParam().arguments), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Parsing,
    testing::Values(Case{{}, "|"}, Case{{"a", "-n"}, "| a -n"}, Case{{"-"}, "| -"}, Case{{"--", "-n"}, "| -n"},
                    Case{{"-nk"}, "-n -k |"}, Case{{"-nc", "x"}, "-n -c=x |"}, Case{{"-cx"}, "-c=x |"},
                    Case{{"-c", "-n"}, "-c=-n |"}, Case{{"-c", "x", "y"}, "-c=x | y"}, Case{{"-?"}, "-? |"},
                    Case{{"-c", ""}, "-c= |"}, Case{{"--configuration=x=y"}, "--configuration=x=y |"},
                    Case{{"--configuration="}, "--configuration= |"}, Case{{"--conf", "x"}, "--configuration=x |"},
                    Case{{"--logfile", "x"}, "--logfile=x |"}, Case{{"--logfile_m=x"}, "--logfile_maxbytes=x |"},
                    Case{{"--nod"}, "--nodaemon |"}, Case{{"--check"}, "--check |"},
                    Case{{"--no"}, "option --no not a unique prefix"},
                    Case{{"--log", "x"}, "option --log not a unique prefix"}, Case{{"--c", "x"}, "--configuration=x |"},
                    Case{{"--chec"}, "option --chec not recognized"},
                    Case{{"--bogus=1"}, "option --bogus not recognized"}, Case{{"-nZ"}, "option -Z not recognized"},
                    Case{{"-\xc3\xa9x"}, "option -\xc3\xa9 not recognized"},
                    Case{{"-c"}, "option -c requires argument"},
                    Case{{"--conf"}, "option --configuration requires argument"},
                    Case{{"--nod=1"}, "option --nodaemon must not have an argument"}));

TEST(Options, ValuesAreFoundByLongName) {
  const auto parsed = parse({"-c", "x", "-n"}, table);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed->value("configuration"), "x");
  EXPECT_EQ(*parsed->value("nodaemon"), "");
  EXPECT_EQ(parsed->value("logfile"), nullptr);
}

std::string taken(const Words& arguments, const std::function<std::expected<Next, std::string>(const Given&)>& take) {
  const auto parsed = parse(arguments, table);
  if (!parsed) return parsed.error();
  const auto result = take_each(*parsed, take);
  return result ? "" : result.error();
}

TEST(Options, AnOptionGivenTwiceIsAConflictNamedAsGivenLast) {
  const auto accept = [](const Given&) { return Next::go_on; };
  EXPECT_EQ(taken({"-n", "--nodaemon"}, accept), "conflicting command line option '--nodaemon'");
  EXPECT_EQ(taken({"-w", "a", "-w", "b"}, accept), "");
}

TEST(Options, AWrongValueIsReportedBeforeAConflict) {
  const auto reject = [](const Given&) { return std::unexpected(std::string("not good")); };
  EXPECT_EQ(taken({"-l", "it's"}, reject), "invalid value for -l \"it's\": not good");
}

TEST(Options, NothingBehindAStopIsLookedAt) {
  Words seen;
  EXPECT_EQ(taken({"-n", "-?", "-n"},
                  [&](const Given& given) -> std::expected<Next, std::string> {
                    seen.push_back(given.spelled);
                    return given.spelled == "-?" ? Next::stop : Next::go_on;
                  }),
            "");
  EXPECT_THAT(seen, ElementsAre("-n", "-?"));
}

TEST(Options, UnexpectedWordsAreShownAsAPythonList) {
  EXPECT_EQ(unexpected_words({"a", "it's"}), "positional arguments are not supported: ['a', \"it's\"]");
}

TEST(Options, UsageErrorNamesTheProgram) {
  EXPECT_EQ(usage_error("oh", "/bin/x"), "Error: oh\nFor help, use /bin/x -h\n");
}

TEST(Help, ShowsEveryOptionThatHasAHelpAndFoldsLongLines) {
  const std::vector<Option> options{
      {'l', "logfile", true, "FILENAME", "use FILENAME as logfile path"},
      {'n', "nodaemon", false, "", "a text that goes on and on until it does not fit in a line of eighty characters"},
      {'?', "", false, "", ""},
      {.long_name = "x_y", .help = "z", .shown = "-r/--x-y"},
  };
  EXPECT_EQ(help_text({"prog -- sum.", "[options]", "End.\n"}, options, "/bin/prog"),
            "prog -- sum.\n\nUsage: /bin/prog [options]\n\nOptions:\n"
            "-l/--logfile FILENAME -- use FILENAME as logfile path\n"
            "-n/--nodaemon -- a text that goes on and on until it does not fit in a line of\n"
            "    eighty characters\n"
            "-r/--x-y -- z\n\nEnd.\n\n");
}

}  // namespace
}  // namespace sup::cli
