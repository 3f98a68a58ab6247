// XML-RPC replies, as supervisorctl reads them. What is understood can be written and is understood again, and then it
// stays as it is.
#include "fuzz/fuzz.h"
#include "fuzz/values.h"
#include "rpc/xmlrpc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto reply = sup::rpc::parse_reply(text_of(data, size));
  const auto by_tree = sup::rpc::parse_any_reply(text_of(data, size));
  require(reply.has_value() == by_tree.has_value(), "both ways of reading accept the same");
  if (!reply) {
    require(!reply.error().text.empty(), "a refusal has its reason");
    return 0;
  }
  require(sup::rpc::write_reply(*reply) == sup::rpc::write_reply(*by_tree), "both ways of reading agree");
  if (reply->has_value() && depth_of(**reply) > readable_depth) return 0;
  const auto again = sup::rpc::parse_reply(sup::rpc::write_reply(*reply));
  require(again && again->has_value() == reply->has_value(), "a reply that was written can be read");
  const auto written = sup::rpc::write_reply(*again);
  const auto third = sup::rpc::parse_reply(written);
  require(third && sup::rpc::write_reply(*third) == written, "reading and writing changes nothing");
  return 0;
}
