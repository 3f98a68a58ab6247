#include "ops/arguments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <limits>

namespace sup::ops {
namespace {

using api::Array;
using api::FaultCode;
using api::Nil;
using api::Opaque;
using api::Struct;
using api::Value;

Value nil() { return {}; }

TEST(Arguments, AreShownAsPythonShowsThem) {
  EXPECT_EQ(python_str("it's"), "it's");
  EXPECT_EQ(python_str(Value(Array{"a", 1, true, nil()})), "['a', 1, True, None]");
  EXPECT_EQ(python_str(Value(Struct{{"a", 1.5}, {"b", Array{}}})), "{'a': 1.5, 'b': []}");
  EXPECT_EQ(python_str(Value(2.0)), "2.0");
  EXPECT_EQ(python_str(Value(Opaque{"dateTime.iso8601", "20200102T03:04:05"})), "2020-01-02 03:04:05");
}

TEST(Arguments, AFaultShowsAnEmptyTextButNoNone) {
  EXPECT_EQ(fault_about(FaultCode::bad_name, "").text, "BAD_NAME: ");
  EXPECT_EQ(fault_about(FaultCode::bad_name, std::string(1000, 'x')).text, "BAD_NAME: " + std::string(1000, 'x'));
  EXPECT_EQ(fault_about(FaultCode::bad_name, std::string(1001, 'x')).text, "BAD_NAME: " + std::string(1000, 'x') + "...");
  EXPECT_EQ(fault_about(FaultCode::bad_name, std::string(999, 'x') + "\u00e4").text, "BAD_NAME: " + std::string(999, 'x') + "...");
  EXPECT_EQ(python_str(api::Array(10'000, api::Array(10'000, 1))).size(), 1003u);
  EXPECT_EQ(fault_about(FaultCode::bad_name, nil()).text, "BAD_NAME");
  EXPECT_EQ(fault_about(FaultCode::bad_name, 1).text, "BAD_NAME: 1");
}

TEST(Arguments, TruthIsPythons) {
  for (const Value& value : {Value(true), Value(1), Value("no"), Value(0.5), Value(Array{nil()})}) EXPECT_TRUE(truth(value));
  for (const Value& value : {Value(false), Value(0), Value(""), Value(0.0), Value(Array{}), Value(Struct{}), nil()}) {
    EXPECT_FALSE(truth(value));
  }
}

TEST(Arguments, WaitIsTrueWhenLeftOut) {
  const std::vector<Value> args{"name", false};
  EXPECT_FALSE(wait_argument(args, 1));
  EXPECT_TRUE(wait_argument(args, 2));
}

TEST(Arguments, IntegersComeFromNumbersAndTextsThatAreOne) {
  EXPECT_EQ(*integer("3"), 3);
  EXPECT_EQ(*integer(-1.9), -1);
  EXPECT_EQ(*integer(true), 1);
  for (const Value& value : {Value("x"), Value(""), Value(Array{}), nil(), Value(INFINITY), Value(NAN)}) {
    EXPECT_FALSE(integer(value));
  }
}

TEST(Arguments, IntegersEndWhere64BitsDo) {
  const std::string huge = "1" + std::string(20, '0');
  for (const Value& value : {Value(1e300), Value(0x1p63), Value("9223372036854775808"), Value(Opaque{"int", huge})}) {
    EXPECT_EQ(*integer(value), std::numeric_limits<std::int64_t>::max());
  }
  for (const Value& value : {Value(-1e300), Value(-0x1p63), Value("-" + huge), Value(Opaque{"int", "-" + huge})}) {
    EXPECT_EQ(*integer(value), std::numeric_limits<std::int64_t>::min());
  }
  EXPECT_EQ(*integer(0x1p62), std::int64_t{1} << 62);
  EXPECT_FALSE(integer(Value(Opaque{"dateTime.iso8601", "20200102T03:04:05"})));
  EXPECT_EQ(fault_about(FaultCode::bad_name, Opaque{"int", "-99999999T9999999"}).text, "BAD_NAME: -99999999T9999999");
}

TEST(Arguments, SignalsHaveNamesAndNumbers) {
  for (const Value& value : {Value("HUP"), Value("SIGHUP"), Value(" hup "), Value("1"), Value(1)}) {
    EXPECT_EQ(*signal_number(value), SIGHUP);
  }
  EXPECT_EQ(*signal_number(0), 0);
  EXPECT_EQ(*signal_number(64), 64);
  for (const Value& value : {Value(-1), Value(65), Value(40), Value("NOPE"), Value(""), nil()}) {
    EXPECT_EQ(signal_number(value).error().code, FaultCode::bad_signal);
  }
}

struct NameCase {
  const char* text;
  const char* group;
  const char* process;
  bool all;
};

TEST(Arguments, ANamespecIsAProcessOrAGroup) {
  for (const NameCase& c : {NameCase{"x", "x", "x", false}, NameCase{"g:p", "g", "p", false}, NameCase{"g:*", "g", "*", true},
                            NameCase{"g:", "g", "", true}, NameCase{"a:b:c", "a", "b:c", false},
                            NameCase{"", "", "", false}, NameCase{"*", "*", "*", false}}) {
    const auto spec = namespec(Value(c.text));
    ASSERT_TRUE(spec) << c.text;
    EXPECT_EQ(spec->group, c.group) << c.text;
    EXPECT_EQ(spec->all, c.all) << c.text;
    EXPECT_EQ(spec->process, c.process) << c.text;
  }
  EXPECT_EQ(namespec(Value(7)).error().text, "BAD_NAME: 7");
}

}  // namespace
}  // namespace sup::ops
