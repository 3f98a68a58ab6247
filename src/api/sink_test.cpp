#include "api/sink.h"

#include <gtest/gtest.h>

namespace sup::api {
namespace {

Value sample() {
  return Array{1, "two", Struct{{"a", true}, {"b", Array{}}, {"c", Struct{{"d", 1.5}}}}, Value(), Opaque{"t", "x"}};
}

TEST(Sink, AStreamSettlesToTheTreeThatItTells) {
  const Value stream = Stream{[](Sink& sink) { tell(sample(), sink); }};
  EXPECT_EQ(settle(stream), sample());
}

TEST(Sink, StreamsInsideATreeAreToldInTheirPlace) {
  const Value inner = Stream{[](Sink& sink) { sink.integer(7); }};
  const Value outer = Stream{[&](Sink& sink) {
    sink.begin_struct();
    sink.member("x");
    tell(inner, sink);
    sink.end_struct();
  }};
  EXPECT_EQ(settle(outer), Value(Struct{{"x", 7}}));
}

TEST(Sink, WhatIsNoStreamStaysAsItIs) { EXPECT_EQ(settle(sample()), sample()); }

}  // namespace
}  // namespace sup::api
