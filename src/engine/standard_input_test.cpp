#include "engine/standard_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_surroundings.h"

namespace sup::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EngineInput : public testing::Test {
 protected:
  EngineInput() {
    world.add({.name = "x"});
    world.add({.name = "listener", .events = {"TICK_5"}});
  }

  // "x: 0" when it was written, else the errno.
  void send(const std::string& name, std::string_view text) {
    world.engine.send_input(world.entry(name), text, [this, name](const Result<>& written) {
      answers.push_back(name + ": " + std::to_string(written ? 0 : written.error().code));
    });
  }
  static UniqueFd pipe() { return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)); }
  void lend(const std::string& name) { world.engine.on_lent(world.entry(name).id, pipe(), false); }

  World world;
  std::vector<std::string> answers;
};

TEST_F(EngineInput, StaysWithTheKeeperUntilSomebodyWrites) {
  world.run("x");
  EXPECT_FALSE(world.entry("x").in);
  EXPECT_THAT(world.children.lent, IsEmpty());
}

TEST_F(EngineInput, IsBorrowedOnceAndTakesAllThatCameMeanwhileInOrder) {
  world.run("x");
  send("x", "one ");
  send("x", "two ");
  EXPECT_THAT(answers, IsEmpty());
  lend("x");
  EXPECT_THAT(answers, ElementsAre("x: 0", "x: 0"));
  send("x", "three");
  EXPECT_THAT(answers, ElementsAre("x: 0", "x: 0", "x: 0"));
  EXPECT_EQ(world.sent_to("x"), "one two three");
  EXPECT_THAT(world.children.lent, ElementsAre(world.entry("x").id));
}

TEST_F(EngineInput, OfListenersIsKept) {
  world.run("listener");
  send("listener", "x");
  EXPECT_THAT(answers, ElementsAre("listener: 0"));
  EXPECT_THAT(world.children.lent, IsEmpty());
}

TEST_F(EngineInput, IsKeptWhenTheKeeperDoesNotLend) {
  world.children.lending = false;
  world.run("x");
  send("x", "y");
  EXPECT_THAT(answers, ElementsAre("x: 0"));
  EXPECT_EQ(world.sent_to("x"), "y");
}

TEST_F(EngineInput, ClosedByTheProcessIsTold) {
  world.run("x");
  world.inputs.closed.insert(world.entry("x").id);
  send("x", "y");
  lend("x");
  send("x", "y");
  EXPECT_THAT(answers, ElementsAre("x: " + std::to_string(EPIPE), "x: " + std::to_string(EPIPE)));
}

TEST_F(EngineInput, ThatTheKeeperHasNotIsClosed) {
  world.run("x");
  send("x", "y");
  world.engine.on_lent(world.entry("x").id, UniqueFd(), false);
  EXPECT_THAT(answers, ElementsAre("x: " + std::to_string(EPIPE)));
}

TEST_F(EngineInput, ThatDoesNotReachUsForLackOfDescriptorsIsAskedForAgain) {
  world.run("x");
  send("x", "y");
  world.engine.on_lent(world.entry("x").id, UniqueFd(), true);
  send("x", "y");
  lend("x");
  EXPECT_THAT(answers, ElementsAre("x: " + std::to_string(EMFILE), "x: 0"));
}

TEST_F(EngineInput, OfAProcessThatEndsMeanwhileIsClosed) {
  world.run("x");
  send("x", "y");
  world.exit_and_drain("x", 0);
  EXPECT_THAT(answers, ElementsAre("x: " + std::to_string(EPIPE)));
  EXPECT_EQ(world.sent_to("x"), "");
}

TEST_F(EngineInput, OfAProcessThatHasEndedIsNotTakenForItsSuccessors) {
  world.run("x");
  send("x", "y");
  world.exit_and_drain("x", 0);
  lend("x");
  world.start("x");
  EXPECT_FALSE(world.entry("x").in);
}

}  // namespace
}  // namespace sup::engine
