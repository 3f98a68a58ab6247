#include "api/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace sup::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Operations : public testing::Test {
 protected:
  Operations() {
    table.add({"demo.echo",
               "Say it again.",
               {{"string", "text", "what to say"}, {"boolean", "loud", "how", true}},
               {"string", "result", "the text"},
               [this](std::span<const Value> args, Reply reply) {
                 ++echoed;
                 reply(args[0]);
               }});
    table.add({"demo.later", "Answers when told to.", {}, {"int", "", ""}, [this](std::span<const Value>, Reply reply) {
                 waiting.push_back(std::move(reply));
               }});
    table.alias("demo.again", "demo.echo");
  }

  Answer<Value> call(std::string_view name, std::vector<Value> args = {}) {
    std::optional<Answer<Value>> got;
    table.call(name, args, [&](Answer<Value> answer) { got = std::move(answer); });
    return got.value_or(std::unexpected(Fault{FaultCode::failed, "no answer"}));
  }
  std::string fault(std::string_view name, std::vector<Value> args = {}) {
    const auto answer = call(name, std::move(args));
    return answer ? "" : answer.error().text;
  }
  static Value entry(std::string_view name, Array params = {}) {
    return Struct{{"methodName", name}, {"params", std::move(params)}};
  }

  OperationTable table;
  std::vector<Reply> waiting;
  int echoed = 0;
};

TEST_F(Operations, AnswerByNameAndByAlias) {
  EXPECT_EQ(call("demo.echo", {"x"}), Value("x"));
  EXPECT_EQ(call("demo.again", {"y", true}), Value("y"));
}

TEST_F(Operations, HaveExactNames) {
  for (const auto* name : {"", ".", "demo", "demo.", ".echo", "demo.Echo", "demo.echo ", "demo..echo", "demo.echo.x",
                           "_demo.echo", "demo._echo", "system.multicall.x"})
    EXPECT_EQ(fault(name), "UNKNOWN_METHOD") << name;
}

TEST_F(Operations, CountTheirArguments) {
  EXPECT_EQ(fault("demo.echo"), "INCORRECT_PARAMETERS");
  EXPECT_EQ(fault("demo.echo", {"a", true, 1}), "INCORRECT_PARAMETERS");
  EXPECT_EQ(fault("system.listMethods", {1}), "INCORRECT_PARAMETERS");
  EXPECT_EQ(echoed, 0);
}

TEST_F(Operations, AreListedInOrder) {
  EXPECT_EQ(call("system.listMethods"),
            Value(Array{"demo.again", "demo.echo", "demo.later", "system.listMethods", "system.methodHelp",
                        "system.methodSignature", "system.multicall"}));
}

TEST_F(Operations, ThatAreHiddenCanBeCalledAndAskedAbout) {
  table.add({"demo.hidden", "Whisper.", {}, {"int", "", ""},
             [](std::span<const Value>, Reply reply) { reply(Value(7)); }, true});
  EXPECT_THAT(table.names(), testing::Not(testing::Contains("demo.hidden")));
  EXPECT_EQ(call("demo.hidden"), Value(7));
  EXPECT_THAT(*call("system.methodHelp", {"demo.hidden"})->string(), HasSubstr("Whisper."));
}

TEST_F(Operations, DescribeThemselves) {
  EXPECT_EQ(call("system.methodHelp", {"demo.again"}),
            Value("Say it again.\n\n@param string text what to say\n@param boolean loud how\n"
                  "@return string result the text\n"));
  EXPECT_EQ(call("system.methodSignature", {"demo.echo"}), Value(Array{"string", "string", "boolean"}));
  EXPECT_EQ(call("system.methodSignature", {"system.multicall"}), Value(Array{"array", "array"}));
  EXPECT_THAT(*call("system.methodHelp", {"demo.later"})->string(), HasSubstr("@return int\n"));
}

TEST_F(Operations, HaveNoHelpForWhatIsNotThere) {
  EXPECT_EQ(fault("system.methodHelp", {"no.such"}), "SIGNATURE_UNSUPPORTED");
  EXPECT_EQ(fault("system.methodSignature", {5}), "SIGNATURE_UNSUPPORTED");
}

TEST_F(Operations, MulticallGivesBareResultsAndFaultStructs) {
  const auto answer =
      call("system.multicall", {Array{entry("demo.echo", {"x"}), entry("no.such"), entry("demo.echo")}});
  EXPECT_EQ(answer, Value(Array{"x", Struct{{"faultCode", 1}, {"faultString", "UNKNOWN_METHOD"}},
                                Struct{{"faultCode", 2}, {"faultString", "INCORRECT_PARAMETERS"}}}));
}

TEST_F(Operations, MulticallRefusesItselfAndTheNameless) {
  const auto answer = call("system.multicall", {Array{entry("system.multicall", {Array{}}), Struct{},
                                                      Struct{{"methodName", Nil{}}}, Struct{{"methodName", 5}}}});
  std::vector<std::string> texts;
  for (const Value& result : *answer->array())
    texts.push_back(*result.find("faultString")->string());
  EXPECT_THAT(texts, ElementsAre("INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
                                 "INCORRECT_PARAMETERS: No methodName", "INCORRECT_PARAMETERS: No methodName",
                                 "FAILED: methodName is not a string"));
}

TEST_F(Operations, MulticallTakesOnlyAListOfStructs) {
  EXPECT_EQ(fault("system.multicall", {5}), "INCORRECT_PARAMETERS");
  EXPECT_THAT(fault("system.multicall", {Array{entry("demo.echo", {"x"}), 5}}), HasSubstr("INCORRECT_PARAMETERS"));
  EXPECT_EQ(echoed, 0);
  EXPECT_EQ(call("system.multicall", {Array{}}), Value(Array{}));
}

TEST_F(Operations, MulticallWaitsForEachCallBeforeTheNext) {
  std::optional<Answer<Value>> got;
  const std::vector<Value> args{Array{entry("demo.later"), entry("demo.echo", {"x"}), entry("demo.later")}};
  table.call("system.multicall", args, [&](Answer<Value> answer) { got = std::move(answer); });
  EXPECT_EQ(echoed, 0);
  ASSERT_EQ(waiting.size(), 1u);
  waiting[0](Value(1));
  EXPECT_EQ(echoed, 1);
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_FALSE(got);
  waiting[1](std::unexpected(make_fault(FaultCode::bad_name, "z")));
  ASSERT_TRUE(got);
  EXPECT_EQ(**got, Value(Array{1, "x", Struct{{"faultCode", 10}, {"faultString", "BAD_NAME: z"}}}));
}

TEST_F(Operations, MulticallOfManyCallsNeedsNoDeepStack) {
  const auto answer = call("system.multicall", {Array(200'000, entry("demo.echo", {"x"}))});
  EXPECT_EQ(answer->array()->size(), 200'000u);
}

// Keeps what is to be done later.
struct Patience final : Errands {
  void run(const Caller&, Step, Step) override { ADD_FAILURE(); }
  void finish(const Caller&, Step, Step) override { ADD_FAILURE(); }
  void later(const Caller& caller, Step step) override {
    clients.insert(caller.client);
    steps.push_back(std::move(step));
  }
  std::set<std::uint64_t> clients;
  std::vector<Step> steps;
};

TEST_F(Operations, MulticallGivesOthersTheirTurns) {
  Patience patience;
  table.use(patience);
  std::optional<Answer<Value>> got;
  const auto args = std::make_shared<const std::vector<Value>>(
      std::vector<Value>{Array(100'000, entry("demo.echo", {std::string(100, 'x')}))});
  Reply reply([&](Answer<Value> answer) { got = std::move(answer); });
  reply.caller = {.client = 7, .keeps_arguments = args};
  table.call("system.multicall", *args, std::move(reply));
  EXPECT_FALSE(got);
  EXPECT_LT(echoed, 100'000);
  int turns = 0;
  while (!patience.steps.empty()) {
    ASSERT_EQ(patience.steps.size(), 1u);
    auto steps = std::exchange(patience.steps, {});
    steps[0]();
    ++turns;
  }
  EXPECT_GT(turns, 3);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->array()->size(), 100'000u);
  EXPECT_EQ(patience.clients, std::set<std::uint64_t>{7});
  EXPECT_EQ(args.use_count(), 1);
}

TEST_F(Operations, MulticallEndsWhenNobodyWaitsForIt) {
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  Reply reply([](const Answer<Value>&) { ADD_FAILURE(); });
  reply.caller.gone = gone;
  table.call("system.multicall", std::vector<Value>{Array{entry("demo.later"), entry("demo.echo", {"x"})}},
             std::move(reply));
  ASSERT_EQ(waiting.size(), 1u);
  *gone = true;
  waiting[0](Value(1));
  EXPECT_EQ(echoed, 0);
}

TEST_F(Operations, MulticallHoldsNoMoreResultsThanFit) {
  const auto answer = call("system.multicall", {Array(20, entry("demo.echo", {std::string(10'000'000, 'x')}))});
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer->array())[0].string()->size(), 10'000'000u);
  EXPECT_EQ(echoed, 14);
  EXPECT_EQ(*answer->array()->back().find("faultString"), Value("FAILED: the results are too large"));
}

}  // namespace
}  // namespace sup::api
