#include "rpc/xmlrpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "rpc/plain_reader.h"

namespace sup::rpc {
namespace {

using api::Array;
using api::Nil;
using api::Opaque;
using api::Struct;
using api::Value;

std::string with_value(const std::string& value) {
  return "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n<param>\n" + value +
         "</param>\n</params>\n</methodCall>\n";
}

// The one parameter of a request; the text of the Error otherwise.
Value param(const std::string& value) {
  const auto call = parse_call(with_value(value));
  if (!call) return Value(call.error().text);
  if (call->params.size() != 1) return Value("not one parameter");
  return call->params[0];
}

const Value malformed("unmarshallable");

TEST(ParseCall, ReadsNameAndParameters) {
  const auto call = parse_call(
      "<?xml version='1.0'?><methodCall><methodName>supervisor.readLog</methodName><params>"
      "<param><value><int>-5</int></value></param><param><value>0</value></param></params></methodCall>");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->method, "supervisor.readLog");
  EXPECT_EQ(call->params, (std::vector<Value>{-5, "0"}));
}

TEST(ParseCall, NeedsNoParams) {
  EXPECT_EQ(parse_call("<methodCall><methodName>x</methodName></methodCall>")->params.size(), 0u);
  EXPECT_EQ(parse_call("<any><methodName>x</methodName><params/></any>")->method, "x");
  EXPECT_EQ(parse_call("<a><methodName>x</methodName><params><b><params/></b></params></a>")->params.size(), 1u);
}

TEST(ParseCall, NeedsAMethodName) {
  EXPECT_EQ(parse_call("<methodCall></methodCall>").error().text, "no method name");
  EXPECT_EQ(parse_call("<methodCall><methodName/></methodCall>").error().text, "no method name");
}

TEST(ParseCall, RefusesWhatIsNoXml) {
  for (const std::string body : {"", " ", "x", "<", "<a", "<a>", "<a></b>", "<methodCall><methodName>x</methodName>",
                                 "{}", "\xFF\xFE<", "<a><methodName>x</methodName></a><b/>",
                                 "<a><methodName>\x01</methodName></a>", "<a><methodName>\xC3</methodName></a>",
                                 "\n<?xml version='1.0'?><a><methodName>x</methodName></a>",
                                 "<?xml version='1.0'?><?xml version='1.0'?><a><methodName>x</methodName></a>"})
    EXPECT_EQ(parse_call(body).error().text, "unmarshallable") << body;
}

TEST(ParseCall, ReadsEveryType) {
  EXPECT_EQ(param("<value><int>42</int></value>"), Value(42));
  EXPECT_EQ(param("<value><i4> +1_000 </i4></value>"), Value(1000));
  EXPECT_EQ(param("<value><boolean>1</boolean></value>"), Value(true));
  EXPECT_EQ(param("<value><boolean>true</boolean></value>"), Value(false));
  EXPECT_EQ(param("<value><boolean/></value>"), Value(false));
  EXPECT_EQ(param("<value><string>a b</string></value>"), Value("a b"));
  EXPECT_EQ(param("<value><string/></value>"), Value(""));
  EXPECT_EQ(param("<value><double>1.5</double></value>"), Value(1.5));
  EXPECT_EQ(param("<value><double> -2e3 </double></value>"), Value(-2000.0));
  EXPECT_EQ(param("<value><double>+1_0.5</double></value>"), Value(10.5));
  EXPECT_EQ(param("<value><base64>\nw7Y=\n</base64></value>"), Value("\xC3\xB6"));
  EXPECT_EQ(param("<value><dateTime.iso8601>20200131T23:59:59</dateTime.iso8601></value>"),
            Value(Opaque{"dateTime.iso8601", "20200131T23:59:59"}));
  EXPECT_EQ(param("<value>bare</value>"), Value("bare"));
  EXPECT_EQ(param("<value/>"), Value(""));
  EXPECT_EQ(param("<value><nil/></value>"), Value(Nil{}));
  EXPECT_EQ(param("<value><i8>7</i8></value>"), Value("7"));
}

TEST(ParseCall, NeverStripsText) {
  EXPECT_EQ(param("<value><string>  </string></value>"), Value("  "));
  EXPECT_EQ(param("<value> \n</value>"), Value(" \n"));
  EXPECT_EQ(param("<value> <string> x\n</string> </value>"), Value(" x\n"));
  EXPECT_EQ(param("<value>a<!-- no -->b<![CDATA[<&]]></value>"), Value("ab<&"));
}

TEST(ParseCall, ReadsNumbersOfAnySize) {
  EXPECT_EQ(param("<value><int>9999999999</int></value>"), Value(std::int64_t{9999999999}));
  EXPECT_EQ(param("<value><int>-9223372036854775808</int></value>"), Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(param("<value><int>-9223372036854775809</int></value>"), Value(Opaque{"int", "-9223372036854775809"}));
  EXPECT_EQ(param("<value><i4> +00_99999999999999999999 </i4></value>"), Value(Opaque{"int", "99999999999999999999"}));
  EXPECT_EQ(param("<value><int>" + std::string(4301, '9') + "</int></value>"), malformed);
  EXPECT_EQ(param("<value><double>-1e400</double></value>"), Value(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(param("<value><double>1e-400</double></value>"), Value(0.0));
}

TEST(ParseCall, RefusesMalformedValues) {
  for (const std::string value :
       {"<value><int/></value>", "<value><int>x</int></value>", "<value><int>1.0</int></value>",
        "<value><int>1__0</int></value>", "<value><double>x</double></value>", "<value><double></double></value>",
        "<value><double>+-1</double></value>", "<value><base64>YQ</base64></value>",
        "<value><base64>/w==</base64></value>", "<value><dateTime.iso8601>2020</dateTime.iso8601></value>",
        "<value><dateTime.iso8601>20201301T00:00:00</dateTime.iso8601></value>", "<value><array/></value>",
        "<value><struct><member><name>a</name></member></struct></value>", "<value><struct><member/></struct></value>"})
    EXPECT_EQ(param(value), malformed) << value;
  EXPECT_EQ(parse_call("<a><methodName>x</methodName><params><param/></params></a>").error().text, "unmarshallable");
}

TEST(ParseCall, ReadsArraysAndStructs) {
  EXPECT_EQ(param("<value><array><data></data></array></value>"), Value(Array{}));
  EXPECT_EQ(param("<value><array><data>\n<value><int>1</int></value>\n<value>x</value></data></array></value>"),
            Value(Array{1, "x"}));
  EXPECT_EQ(param("<value><struct/></value>"), Value(Struct{}));
  EXPECT_EQ(param("<value><struct><member><name>a</name><value>1</value></member>"
                  "<member><name>b</name><value><array><data/></array></value></member>"
                  "<member><name>a</name><value>2</value></member></struct></value>"),
            Value(Struct{{"a", "2"}, {"b", Array{}}}));
}

TEST(ParseCall, KnowsTheFiveEntitiesAndCharacterReferences) {
  EXPECT_EQ(param("<value>&lt;&amp;&gt;&quot;&apos;&#228;&#x20AC;&#10;</value>"),
            Value("<&>\"'\xC3\xA4\xE2\x82\xAC\n"));
  for (const std::string text :
       {"&nbsp;", "&", "&;", "&#0;", "&#x1;", "&#xD800;", "&#1114112;", "&#99999999999999999999;"})
    EXPECT_EQ(param("<value>" + text + "</value>"), malformed) << text;
}

TEST(ParseCall, RefusesDocumentTypes) {
  EXPECT_FALSE(parse_call("<!DOCTYPE a [<!ENTITY x 'y'>]><a><methodName>&x;</methodName></a>"));
  EXPECT_FALSE(parse_call("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a><methodName>x</methodName></a>"));
}

TEST(ParseCall, LimitsDepth) {
  const auto nested = [](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += "<value><array><data>";
      close += "</data></array></value>";
    }
    return open + close;
  };
  EXPECT_NE(param(nested(30)), malformed);
  EXPECT_EQ(param(nested(40)), malformed);
  EXPECT_EQ(param(nested(50'000)), malformed);
  std::string deep = "<a>";
  for (int i = 0; i < 100'000; ++i)
    deep += "<b>";
  EXPECT_FALSE(parse_call(deep));
}

TEST(ParseCall, LimitsDepthAsItIsTold) {
  const auto nested = [](int levels) {
    std::string text = "<methodCall><methodName>m</methodName><params><param>";
    for (int i = 0; i < levels; ++i) text += "<value><array><data>";
    for (int i = 0; i < levels; ++i) text += "</data></array></value>";
    return text + "</param></params></methodCall>";
  };
  EXPECT_TRUE(parse_call(nested(3), 10));
  EXPECT_FALSE(parse_call(nested(4), 10));
  EXPECT_FALSE(parse_call(nested(300)));
  EXPECT_TRUE(parse_call(nested(300), 1000));
}

TEST(ParseCall, LimitsTheNumberOfTags) {
  std::string body = "<a><methodName>x</methodName>";
  for (int i = 0; i < 400'000; ++i)
    body += "<b/>";
  EXPECT_EQ(parse_call(body + "</a>").error().text, "unmarshallable");
}

TEST(ParseCall, SurvivesWhateverItIsGiven) {
  const std::string seed =
      write_call({"a.b", {Struct{{"k", Array{1, "x", true}}}, 1.5, Opaque{"base64", "abc"}, Nil{}, "\xC3\xB6&<"}});
  const std::string_view spice = "<>/&;#x0'\"!-[]\x01\xFF";
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = seed;
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      const std::size_t at = below(body.size());
      switch (below(3)) {
        case 0:
          body[at] = spice[below(spice.size())];
          break;
        case 1:
          body.erase(at, below(12));
          break;
        default:
          body.insert(at, body.substr(below(body.size()), below(40)));
      }
    }
    const auto call = parse_call(body);
    const auto by_tree = parse_any_call(body);
    ASSERT_EQ(call.has_value(), by_tree.has_value()) << body;
    (void)parse_reply(body);
    if (!call) continue;
    ASSERT_EQ(write_call(*call), write_call(*by_tree)) << body;
    ++accepted;
    const auto again = parse_call(write_call(*call));
    ASSERT_TRUE(again) << body;
    EXPECT_EQ(again->method, call->method);
  }
  EXPECT_GT(accepted, 100);
}

TEST(WriteReply, IsLaidOutAsPythonDoes) {
  EXPECT_EQ(write_reply(Value("a<b>&\"'")),
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><string>a&lt;b&gt;&amp;\"'</string>"
            "</value>\n</param>\n</params>\n</methodResponse>\n");
  EXPECT_EQ(write_reply(Value(Array{1, true, false, Struct{{"k&", Array{}}}, Struct{}, 1.5, ""})),
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n"
            "<value><int>1</int></value>\n<value><boolean>1</boolean></value>\n<value><boolean>0</boolean></value>\n"
            "<value><struct>\n<member>\n<name>k&amp;</name>\n<value><array><data>\n</data></array></value>\n</member>\n"
            "</struct></value>\n<value><struct>\n</struct></value>\n<value><double>1.5</double></value>\n"
            "<value><string></string></value>\n</data></array></value>\n</param>\n</params>\n</methodResponse>\n");
}

TEST(WriteReply, WritesFaults) {
  EXPECT_EQ(write_reply(std::unexpected(api::make_fault(api::FaultCode::bad_name, "<x>"))),
            "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n"
            "<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n"
            "<value><string>BAD_NAME: &lt;x&gt;</string></value>\n</member>\n</struct></value>\n</fault>\n"
            "</methodResponse>\n");
}

TEST(WriteReply, WritesLargeNumbersAsTheyAre) {
  EXPECT_THAT(write_reply(Value(std::int64_t{5'000'000'000})), testing::HasSubstr("<int>5000000000</int>"));
}

TEST(WriteReply, NeverHoldsWhatXmlForbids) {
  const std::string reply = write_reply(Value(std::string("a\0\x1B\xFF<\xC3\xA4\xE2\x82", 9)));
  EXPECT_THAT(reply,
              testing::HasSubstr("<string>a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD&lt;\xC3\xA4\xEF\xBF\xBD</string>"));
}

TEST(WriteReply, EscapesAtEveryPlace) {
  for (std::size_t place = 0; place < 40; ++place) {
    std::string text(40, 'x');
    text[place] = '&';
    EXPECT_THAT(write_reply(Value(text)),
                testing::HasSubstr(">" + std::string(place, 'x') + "&amp;" + std::string(39 - place, 'x') + "<"));
  }
}

TEST(WriteCall, IsLaidOutAsPythonDoes) {
  EXPECT_EQ(write_call({"a.b", {}}),
            "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n</params>\n</methodCall>\n");
  EXPECT_EQ(
      write_call({"m.n", {1, 1e5, 1e16, 0.1, Opaque{"base64", "abc"}, Nil{}}}),
      "<?xml version='1.0'?>\n<methodCall>\n<methodName>m.n</methodName>\n<params>\n"
      "<param>\n<value><int>1</int></value>\n</param>\n<param>\n<value><double>100000.0</double></value>\n</param>\n"
      "<param>\n<value><double>1e+16</double></value>\n</param>\n<param>\n<value><double>0.1</double></value>\n"
      "</param>\n<param>\n<value><base64>\nYWJj\n</base64></value>\n</param>\n<param>\n<value><nil/></value></param>\n"
      "</params>\n</methodCall>\n");
}

TEST(WriteCall, ComesBackThroughParseCall) {
  const Call call{"supervisor.x", {Struct{{"a", Array{1, "two", true, -3}}, {"b<", ""}}, "\xC3\xB6 & <tag>\t\n", 2.25}};
  const auto back = parse_call(write_call(call));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->method, call.method);
  EXPECT_EQ(back->params, call.params);
}

TEST(ParseReply, ReadsValuesAndFaults) {
  const Value value(Struct{{"statecode", 1}, {"list", Array{true, "x"}}});
  EXPECT_EQ(**parse_reply(write_reply(value)), value);
  const auto fault = parse_reply(write_reply(std::unexpected(api::make_fault(api::FaultCode::bad_name, "z"))));
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->error().code, api::FaultCode::bad_name);
  EXPECT_EQ(fault->error().text, "BAD_NAME: z");
  EXPECT_EQ(**parse_reply("<methodResponse><params><param><value><i8>7</i8></value></param></params></methodResponse>"),
            Value(7));
}

// The longer way must come to the same.
TEST(ParseReply, IsTheSameByBothWays) {
  const std::string seed = write_reply(Value(
      Struct{{"k", Array{1, "x y", true, Array{}, Struct{}}}, {"d", 1.5}, {"", "\xC3\xB6&<>\t\n"}, {"n", -7}}));
  const std::string_view spice = "<>/&;#x0'\"!-[]\x01\xFF \n\r";
  std::mt19937 random(2);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int accepted = 0, plain = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = seed;
    for (std::size_t i = below(3); i > 0; --i) {
      const std::size_t at = below(body.size());
      if (below(2) == 0) {
        body[at] = spice[below(spice.size())];
      } else if (below(2) == 0) {
        body.erase(at, below(12));
      } else {
        body.insert(at, body.substr(below(body.size()), below(40)));
      }
    }
    const auto reply = parse_any_reply(body);
    const auto shortcut = read_plain_reply(body);
    if (shortcut) {
      ++plain;
      ASSERT_TRUE(reply && *reply) << body;
      ASSERT_EQ(write_reply(*shortcut), write_reply(**reply)) << body;
    }
    if (reply) ++accepted;
  }
  EXPECT_GT(plain, 5'000);
  EXPECT_GT(accepted, plain);
}

TEST(ParseReply, ReadsWhatIsUnusualToo) {
  const auto of = [](const std::string& value) {
    return parse_reply("<methodResponse><params><param>" + value + "</param></params></methodResponse>");
  };
  EXPECT_EQ(**of("<value><!-- x --><string>a&#66;c</string></value>"), Value("aBc"));
  EXPECT_EQ(**of("<value><string><![CDATA[<&]]></string></value>"), Value("<&"));
  EXPECT_EQ(**of("<value>\n<string>a\r\nb</string></value>"), Value("a\nb"));
  EXPECT_EQ(**of("<value><nil/></value>"), Value(Nil{}));
  EXPECT_EQ(**of("<value><struct><member><name>a</name><value>1</value></member><member><name>a</name>"
                 "<value>2</value></member></struct></value>"),
            Value(Struct{{"a", "2"}}));
  EXPECT_EQ(**of("<value><struct><member><value>v</value><value>2</value></member></struct></value>"),
            Value(Struct{{"v", "2"}}));
}

TEST(ParseReply, ReadsTensOfThousandsOfPrograms) {
  Struct program;
  for (int i = 0; i < 14; ++i)
    program.emplace_back("member " + std::to_string(i), i);
  const Value all(Array(10'000, Value(program)));
  const std::string body = write_reply(all);
  EXPECT_TRUE(**parse_reply(body) == all);
  EXPECT_TRUE(**parse_any_reply(body) == all);
}

TEST(ParseReply, TellsWhatIsNoReply) {
  for (const std::string body : {"", "<html></html>", "<methodResponse/>", "<methodResponse><params/></methodResponse>",
                                 "<methodResponse><fault/></methodResponse>",
                                 "<methodResponse><fault><value>x</value></fault></methodResponse>"})
    EXPECT_FALSE(parse_reply(body)) << body;
}

}  // namespace
}  // namespace sup::rpc
