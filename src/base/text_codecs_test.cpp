#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/utf8.h"

namespace sup {
namespace {

using namespace std::string_view_literals;

const std::string bad = "\xEF\xBF\xBD";

TEST(MakeXmlSafe, LeavesTextAlone) {
  for (const auto text :
       {""sv, "a"sv, "plain text\twith\r\nlines\n"sv, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"sv, "\x7F"sv})
    EXPECT_EQ(make_xml_safe(text), text);
}

TEST(MakeXmlSafe, ReplacesControlCharacters) {
  EXPECT_EQ(make_xml_safe("a\0b\x1B[1mc\x0B"sv), "a" + bad + "b" + bad + "[1mc" + bad);
}

TEST(MakeXmlSafe, ReplacesBrokenSequencesAsOthersDo) {
  EXPECT_EQ(make_xml_safe("\x80"), bad);
  EXPECT_EQ(make_xml_safe("a\xE2\x82"), "a" + bad);  // cut
  EXPECT_EQ(make_xml_safe("\xE2\x82x"), bad + "x");
  EXPECT_EQ(make_xml_safe("\xC0\xAF"), bad + bad);            // overlong
  EXPECT_EQ(make_xml_safe("\xED\xA0\x80"), bad + bad + bad);  // surrogate
  EXPECT_EQ(make_xml_safe("\xF4\x90\x80\x80"), bad + bad + bad + bad);
  EXPECT_EQ(make_xml_safe("\xEF\xBF\xBF."), bad + ".");  // U+FFFF
}

TEST(MakeXmlSafe, FindsABadByteAtEveryPlace) {
  for (std::size_t place = 0; place < 40; ++place) {
    std::string text(40, 'x');
    text[place] = '\x01';
    const std::string safe = make_xml_safe(text);
    EXPECT_EQ(safe, std::string(place, 'x') + bad + std::string(39 - place, 'x'));
    EXPECT_EQ(xml_safe_prefix(text), place);
  }
}

TEST(Utf8Step, TellsACutCharacterFromABrokenOne) {
  EXPECT_TRUE(utf8_step("\xE2\x82").truncated);
  EXPECT_FALSE(utf8_step("\xE2\x82 ").truncated);
  EXPECT_EQ(utf8_step("\xE2\x82").length, 2);
}

TEST(Base64, GoesThereAndBack) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("a"), "YQ==");
  EXPECT_EQ(base64_encode("ab"), "YWI=");
  EXPECT_EQ(base64_encode("abc"), "YWJj");
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  EXPECT_EQ(base64_decode(base64_encode(all)), all);
}

TEST(Base64, ReadsAsLeniently) {
  EXPECT_EQ(base64_decode("Y!W\nJj"), "abc");
  EXPECT_EQ(base64_decode("YQ==YQ=="), "a");
  EXPECT_EQ(base64_decode("=YWJj"), "abc");
  EXPECT_EQ(base64_decode("YQ"), std::nullopt);
  EXPECT_EQ(base64_decode("Y"), std::nullopt);
  EXPECT_EQ(base64_decode("YQ="), std::nullopt);
}

}  // namespace
}  // namespace sup
