#include "ctl/format.h"

#include <gtest/gtest.h>

#include "ctl/complete.h"
#include "ctl/failure.h"
#include "ctl/names.h"
#include "ctl/url.h"

namespace sup::ctl {
namespace {

TEST(Padded, CountsCharactersNotBytes) {
  EXPECT_EQ(padded("ab", 4), "ab  ");
  EXPECT_EQ(padded("\xc3\xa9", 3), "\xc3\xa9  ");
  EXPECT_EQ(padded("abcde", 3), "abcde");
}

TEST(Columnize, RunsDownTheColumnsAndPadsEveryCellThatIsThere) {
  EXPECT_EQ(columnize({"add", "avail", "clear", "exit", "fg"}, 16), "add    clear  fg\navail  exit \n");
}

TEST(Columnize, UsesOneLineWhereItFits) {
  EXPECT_EQ(columnize({"a", "b", "c"}, 7), "a  b  c\n");
}

TEST(Columnize, UsesOneColumnWithoutPaddingWhereNothingElseFits) {
  EXPECT_EQ(columnize({"aaaa", "b"}, 5), "aaaa\nb\n");
  EXPECT_EQ(columnize({"too long by far", "b"}, 5), "too long by far\nb\n");
}

TEST(Columnize, HandlesNoneAndOne) {
  EXPECT_EQ(columnize({}, 10), "<empty>\n");
  EXPECT_EQ(columnize({"x"}, 0), "x\n");
}

TEST(Namespec, SplitsAtTheFirstColon) {
  EXPECT_EQ(split_namespec("x").process, "x");
  EXPECT_EQ(split_namespec("g:x").group, "g");
  EXPECT_EQ(split_namespec("g:x:y").process, "x:y");
  EXPECT_EQ(split_namespec("g:*").process, std::nullopt);
  EXPECT_EQ(split_namespec("g:").process, std::nullopt);
  EXPECT_EQ(split_namespec(":").group, "");
}

TEST(Namespec, IsEchoedInItsShortForm) {
  EXPECT_EQ(make_namespec("x", "x"), "x");
  EXPECT_EQ(make_namespec("g", "x"), "g:x");
  EXPECT_EQ(make_namespec(split_namespec("g:*")), "g:None");
}

TEST(Url, OfAServerNeedsASchemeAndAPlace) {
  EXPECT_TRUE(check_url("http://localhost:9001"));
  EXPECT_TRUE(check_url("localhost:9001"));
  EXPECT_EQ(check_url("foo").error(), "value 'foo' is not a URL");
  EXPECT_EQ(check_url("unix://").error(), "value 'unix://' is not a URL");
  EXPECT_EQ(check_url("1http://x").error(), "value '1http://x' is not a URL");
  EXPECT_EQ(check_url("http://[x").error(), "Invalid IPv6 URL");
}

std::string server_problem(std::string_view url) {
  const auto checked = check_server(url);
  return checked ? "" : failure_message(checked.error());
}

TEST(Url, OfAServerMustBeOneThatAClientCanTalkTo) {
  EXPECT_EQ(server_problem("unix://relative"), "");
  EXPECT_EQ(server_problem("http://h"), "");
  EXPECT_EQ(server_problem("http://u:p@h:80/x"), "");
  EXPECT_EQ(server_problem("http://[::1]:80"), "");
  EXPECT_EQ(server_problem("ftp://x"), "Unknown protocol for serverurl ftp://x");
  EXPECT_EQ(server_problem("HTTP://x"), "Unknown protocol for serverurl HTTP://x");
  EXPECT_EQ(server_problem("http://h:abc"), "Port could not be cast to integer value as 'abc'");
  EXPECT_EQ(server_problem("http://h:65536"), "Port out of range 0-65535");
}

TEST(Failure, IsShownAsSupervisorShowsAnUncaughtException) {
  EXPECT_EQ(describe(system_failure(ECONNREFUSED).error()),
            "error: <class 'ConnectionRefusedError'>, [Errno 111] Connection refused: file: supervisorctl line: 1");
  EXPECT_EQ(describe(bad_status(401, "Unauthorized").error()),
            "error: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>: file: "
            "supervisorctl line: 1");
  EXPECT_EQ(describe(refused(api::make_fault(api::FaultCode::cant_reread, "it's")).error()),
            "error: <class 'xmlrpc.client.Fault'>, <Fault 92: \"CANT_REREAD: it's\">: file: supervisorctl line: 1");
}

TEST(Completion, WordsMayHoldColonsStarsAndHyphens) {
  EXPECT_EQ(word_start("start g:a-b*"), 6u);
  EXPECT_EQ(word_start("start a,b"), 8u);
  EXPECT_EQ(word_start("st"), 0u);
}

TEST(Completion, CommonPrefixIsWhatAllShare) {
  EXPECT_EQ(common_prefix({"start ", "status ", "stop "}), "st");
  EXPECT_EQ(common_prefix({"start "}), "start ");
  EXPECT_EQ(common_prefix({}), "");
}

}  // namespace
}  // namespace sup::ctl
