#include "config/types.h"

#include <gtest/gtest.h>

#include <string>

#include "support/fake_host.h"

namespace sup::config {
namespace {

template <class Value>
std::string error(const Parsed<Value>& parsed) {
  return parsed ? "no error" : parsed.error().message;
}

TEST(Types, IntegersAreThoseOfPython) {
  EXPECT_EQ(*to_integer(" -1_000 "), -1000);
  EXPECT_EQ(error(to_integer("x")), "invalid literal for int() with base 10: 'x'");
  EXPECT_EQ(error(to_integer("")), "invalid literal for int() with base 10: ''");
  EXPECT_EQ(error(to_integer("1.5")), "invalid literal for int() with base 10: '1.5'");
  EXPECT_EQ(error(to_integer("99999999999999999999")),
            "invalid literal for int() with base 10: '99999999999999999999'");
}

TEST(Types, BooleansHaveEightWords) {
  for (const auto* word : {"yes", "True", "ON", "1"})
    EXPECT_TRUE(*to_boolean(word)) << word;
  for (const auto* word : {"no", "False", "OFF", "0"})
    EXPECT_FALSE(*to_boolean(word)) << word;
  EXPECT_EQ(error(to_boolean("Maybe")), "not a valid boolean value: 'Maybe'");
  EXPECT_EQ(error(to_boolean(" true")), "not a valid boolean value: ' true'");
}

TEST(Types, BytesHaveUnitsOfTwoLetters) {
  EXPECT_EQ(*to_bytes("0"), 0);
  EXPECT_EQ(*to_bytes("1kb"), 1024);
  EXPECT_EQ(*to_bytes("2 MB"), 2 * 1024 * 1024);
  EXPECT_EQ(*to_bytes("3Gb"), 3LL * 1024 * 1024 * 1024);
  EXPECT_EQ(*to_bytes("-1"), -1);
  EXPECT_EQ(error(to_bytes("1K")), "invalid literal for int() with base 10: '1k'");
  EXPECT_EQ(error(to_bytes("XMB")), "invalid literal for int() with base 10: 'x'");
  EXPECT_EQ(error(to_bytes("9223372036854775807GB")), "invalid literal for int() with base 10: '9223372036854775807'");
}

TEST(Types, OctalNumbersMayHaveAPrefix) {
  EXPECT_EQ(*to_octal("022"), 022U);
  EXPECT_EQ(*to_octal("0o22"), 022U);
  EXPECT_EQ(error(to_octal("9")), "9 can not be converted to an octal type");
  EXPECT_EQ(error(to_octal("")), " can not be converted to an octal type");
  EXPECT_EQ(error(to_octal("0o-1")), "0o-1 can not be converted to an octal type");
  EXPECT_EQ(error(to_octal("-1")), "-1 can not be converted to an octal type");
}

TEST(Types, ExitCodesAreAListOfBytes) {
  EXPECT_EQ(*to_exit_codes("0, 2 ,255"), (std::vector{0, 2, 255}));
  EXPECT_TRUE(to_exit_codes("")->empty());
  for (const auto* text : {"256", "-1", "a", "1,", "1 2"}) {
    EXPECT_EQ(error(to_exit_codes(text)), "not a valid list of exit codes: '" + std::string(text) + "'");
  }
}

TEST(Types, SignalsAreNumbersOrNames) {
  EXPECT_EQ(*to_signal("TERM"), 15);
  EXPECT_EQ(*to_signal("sigusr1"), 10);
  EXPECT_EQ(*to_signal(" 9 "), 9);
  EXPECT_EQ(*to_signal("RTMAX"), 64);
  EXPECT_EQ(error(to_signal("FOO")), "value 'FOO' is not a valid signal name");
  EXPECT_EQ(error(to_signal("99")), "value '99' is not a valid signal number");
  EXPECT_EQ(error(to_signal("0")), "value '0' is not a valid signal number");
  EXPECT_EQ(error(to_signal("SIG_BLOCK")), "value 'SIG_BLOCK' is not a valid signal name");
}

TEST(Types, RestartIsABooleanOrUnexpected) {
  EXPECT_EQ(*to_restart("YES"), Restart::always);
  EXPECT_EQ(*to_restart("0"), Restart::never);
  EXPECT_EQ(*to_restart("Unexpected"), Restart::unexpected);
  EXPECT_EQ(error(to_restart("Maybe")), "invalid 'autorestart' value 'maybe'");
}

TEST(Types, LevelsHaveSevenNames) {
  EXPECT_EQ(*to_level("WARN"), Level::warn);
  EXPECT_EQ(*to_level("blather"), Level::blather);
  EXPECT_EQ(error(to_level("Warning")), "bad logging level name 'Warning'");
}

TEST(Types, NamesHaveNoBlanksColonsOrSlashes) {
  EXPECT_EQ(*to_name(" x "), "x");
  EXPECT_EQ(*to_name(""), "");
  EXPECT_EQ(error(to_name("a b:c")), "Invalid name: 'a b:c' because of character: ' '");
  EXPECT_EQ(error(to_name("a:b")), "Invalid name: 'a:b' because of character: ':'");
  EXPECT_EQ(error(to_name("a/b")), "Invalid name: 'a/b' because of character: '/'");
}

TEST(Types, InetAddressesAreHostAndPort) {
  const auto shown = [](const char* text) {
    const auto address = to_inet_address(text);
    return address ? address->host + "|" + std::to_string(address->port) : address.error().message;
  };
  EXPECT_EQ(shown("9001"), "|9001");
  EXPECT_EQ(shown(":9001"), "|9001");
  EXPECT_EQ(shown("*:9001"), "|9001");
  EXPECT_EQ(shown("Foo:9001"), "foo|9001");
  EXPECT_EQ(shown("[::1]:80"), "[::1]|80");
  EXPECT_EQ(shown("abc"), "not a valid port number: 'abc' ");
  EXPECT_EQ(shown("0"), "not a valid port number: '0' ");
  EXPECT_EQ(shown("foo:"), "no port number specified in ''");
  EXPECT_EQ(shown("foo:abc"), "invalid literal for int() with base 10: 'abc'");
  EXPECT_EQ(shown("foo:0"), "0 is below lower bound (1)");
  EXPECT_EQ(shown("foo:70000"), "70000 is above upper bound (65535)");
  EXPECT_EQ(shown("foo:99999999999999999999"), "99999999999999999999 is above upper bound (65535)");
}

TEST(Types, UsersMustExist) {
  const test::FakeHost host;
  EXPECT_EQ(to_user("chris", host)->uid, 1000U);
  EXPECT_EQ(to_user("65534", host)->uid, 65534U);
  EXPECT_EQ(error(to_user("nosuch", host)), "Invalid user name nosuch");
  EXPECT_EQ(error(to_user("4711", host)), "Invalid user id 4711");
  EXPECT_EQ(error(to_user("-1", host)), "Invalid user id -1");
  EXPECT_EQ(error(to_user("4294967296", host)), "Invalid user id 4294967296");
}

TEST(Types, OwnersAreAUserAndPerhapsAGroup) {
  const test::FakeHost host;
  EXPECT_EQ(*to_owner("chris", host), (Owner{1000, -1}));
  EXPECT_EQ(*to_owner("chris:adm", host), (Owner{1000, 4}));
  EXPECT_EQ(*to_owner("0:4", host), (Owner{0, 4}));
  EXPECT_FALSE(to_owner("nosuch", host).has_value());
  EXPECT_FALSE(to_owner("chris:nosuch", host).has_value());
  EXPECT_FALSE(to_owner("chris:4711", host).has_value());
  EXPECT_FALSE(to_owner("chris:", host).has_value());
}

TEST(Types, DirectoriesMustExist) {
  const test::FakeHost host;
  EXPECT_EQ(*to_existing_directory("~", host), "/home/chris");
  EXPECT_EQ(error(to_existing_directory("~/x", host)), "~/x is not an existing directory");
  EXPECT_EQ(*to_path_in_directory("~/x", host), "/home/chris/x");
  EXPECT_EQ(*to_path_in_directory("x", host), "x");
  EXPECT_EQ(*to_path_in_directory("/x", host), "/x");
  EXPECT_EQ(error(to_path_in_directory("/x/y", host)), "The directory named as part of the path /x/y does not exist");
}

}  // namespace
}  // namespace sup::config
