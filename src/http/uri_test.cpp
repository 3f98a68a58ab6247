#include "http/uri.h"

#include <gtest/gtest.h>

namespace sup::http {
namespace {

TEST(Uri, EscapesAreReplacedAndBrokenOnesKept) {
  EXPECT_EQ(unquote("g%3ap%20x"), "g:p x");
  EXPECT_EQ(unquote("%41%"), "A%");
  EXPECT_EQ(unquote("%4"), "%4");
  EXPECT_EQ(unquote("%zz%+1%-1%_1% 1"), "%zz%+1%-1%_1% 1");
  EXPECT_EQ(unquote("100%"), "100%");
}

TEST(Uri, DatesAreThoseOfRfc1123) { EXPECT_EQ(format_date(1795367928), "Sun, 22 Nov 2026 17:18:48 GMT"); }

}  // namespace
}  // namespace sup::http
