#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/testing.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using testing::Bench;
using ::testing::ElementsAre;

TEST(Upgrade, IsDoneWhenTheSuccessorAnswers) {
  Bench bench;
  bench.remote.answer("upgrade", api::Value("1.2.3"));
  const int before = bench.remote.connections;
  EXPECT_EQ(bench.run("upgrade"), "Upgraded supervisord to 1.2.3\n");
  EXPECT_THAT(bench.remote.log, ElementsAre("upgrade False", "getState"));
  EXPECT_GT(bench.remote.connections, before) << "the old connection may be the old manager's";
  EXPECT_EQ(bench.status, 0);
}

TEST(Upgrade, TakesTheKeeperAlongWhenAsked) {
  Bench bench;
  bench.remote.answer("upgrade", api::Value("1.2.3"));
  bench.run("upgrade --keeper");
  EXPECT_THAT(bench.remote.log, ElementsAre("upgrade True", "getState"));
}

TEST(Upgrade, SaysWhyItIsRefused) {
  Bench bench;
  bench.remote.fault("upgrade", FaultCode::failed, "/x cannot take over: reason");
  EXPECT_EQ(bench.run("upgrade"), "ERROR: /x cannot take over: reason\n");
  EXPECT_EQ(bench.status, 1);
  bench.remote.answers["upgrade"].clear();
  bench.remote.fault("upgrade", FaultCode::unknown_method);
  EXPECT_EQ(bench.run("upgrade"), "ERROR: the running supervisord knows no upgrade\n");
  bench.remote.answers["upgrade"].clear();
  bench.remote.fault("upgrade", FaultCode::shutdown_state);
  EXPECT_EQ(bench.run("upgrade"), "ERROR: already shutting down\n");
}

TEST(Upgrade, AcceptsNothingElse) {
  Bench bench;
  EXPECT_TRUE(bench.run("upgrade now").starts_with("Error: upgrade accepts no arguments but --keeper\nupgrade\t"));
  EXPECT_EQ(bench.status, 1);
  EXPECT_THAT(bench.remote.log, ElementsAre());
}

}  // namespace
}  // namespace sup::ctl
