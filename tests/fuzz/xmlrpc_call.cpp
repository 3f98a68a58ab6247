// XML-RPC requests. What is understood can be written and is understood again, and then it stays as it is. (The first
// time it may change: XML cannot hold every character, and turns carriage returns into newlines.)
#include "fuzz/fuzz.h"
#include "fuzz/values.h"
#include "rpc/xmlrpc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto call = sup::rpc::parse_call(text_of(data, size));
  const auto by_tree = sup::rpc::parse_any_call(text_of(data, size));
  require(call.has_value() == by_tree.has_value(), "both ways of reading accept the same");
  if (!call) {
    require(!call.error().text.empty(), "a refusal has its reason");
    return 0;
  }
  require(sup::rpc::write_call(*call) == sup::rpc::write_call(*by_tree), "both ways of reading agree");
  for (const auto& param : call->params)
    if (depth_of(param) > readable_depth) return 0;
  const auto again = sup::rpc::parse_call(sup::rpc::write_call(*call));
  require(again && again->params.size() == call->params.size(), "a call that was written can be read");
  const auto written = sup::rpc::write_call(*again);
  const auto third = sup::rpc::parse_call(written);
  require(third && sup::rpc::write_call(*third) == written, "reading and writing changes nothing");
  return 0;
}
