#include "http/request_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace sup::http {
namespace {

using Progress = RequestParser::Progress;

constexpr Limits small{.header_bytes = 64, .body_bytes = 8};

// What becomes of the header when it comes in pieces of that size.
RequestParser::Step read_header(const std::string& bytes, std::size_t piece) {
  RequestParser parser(small);
  std::string pending;
  RequestParser::Step step;
  for (std::size_t at = 0; at < bytes.size() && step.progress == Progress::more; at += piece) {
    pending += bytes.substr(at, piece);
    step = parser.feed(pending);
    pending.erase(0, step.consumed);
  }
  return step;
}

TEST(RequestParser, LimitsAHeaderWithoutAVersionHoweverItComes) {
  const std::string line = "GET /" + std::string(20, 'x') + "\r\nName: ";
  const std::string fits = line + std::string(64 - 4 - line.size(), 'x') + "\r\n\r\n";
  const std::string large = line + std::string(65 - 4 - line.size(), 'x') + "\r\n\r\n";
  for (const std::size_t piece : {1, 7, 100}) {
    EXPECT_EQ(read_header(fits, piece).progress, Progress::header) << piece;
    EXPECT_EQ(read_header(large, piece).progress, Progress::failed) << piece;
    EXPECT_EQ(read_header(large, piece).status, 431) << piece;
  }
}

}  // namespace
}  // namespace sup::http
