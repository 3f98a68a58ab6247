// HTTP requests, one after another on a connection. It does not matter how they are cut into pieces, and no request
// grows beyond its limits. An end of a header follows the input: of an incomplete one only the moment of its refusal
// depends on the pieces.
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "http/request_parser.h"

namespace sup::fuzz {
namespace {

using http::RequestParser;
using Progress = RequestParser::Progress;

constexpr http::Limits limits{.header_bytes = 256, .body_bytes = 128};

struct Outcome {
  std::vector<std::string> requests;  // those that were read to their end
  bool refused = false;               // and what came then was not accepted
  bool operator==(const Outcome&) const = default;
};

std::string summary(RequestParser& parser) {
  const http::Request& request = parser.request();
  std::size_t header = request.method.size() + request.target.size();
  std::string text = request.method + '|' + request.target + '|';
  for (const auto& [name, value] : request.headers) {
    text += name + ':' + value + '|';
    header += name.size() + value.size();
  }
  require(header <= limits.header_bytes, "a header has a largest size");
  require(request.body.size() <= limits.body_bytes, "a body has a largest size");
  text += version_text(parser.version());
  return text + (parser.keep_alive() ? " on|" : " off|") + request.body;
}

Outcome serve(std::string_view bytes, unsigned choice) {
  Outcome outcome;
  RequestParser parser(limits);
  std::string pending;
  in_pieces(bytes, choice, [&](std::string_view piece) {
    if (outcome.refused) return;
    pending += piece;
    for (bool more = false; !more && !outcome.refused;) {
      // One is skipped, two are refused, but only if they come together.
      while (parser.untouched() && pending.starts_with("\r\n"))
        pending.erase(0, 2);
      const RequestParser::Step step = parser.feed(pending);
      require(step.consumed <= pending.size(), "no more is consumed than there is");
      pending.erase(0, step.consumed);
      switch (step.progress) {
        case Progress::more:
          more = true;
          break;
        case Progress::header:
          outcome.refused = step.status != 0;
          break;
        case Progress::done:
          require(parser.complete(), "a request that is done is complete");
          outcome.requests.push_back(summary(parser));
          parser = RequestParser(limits);
          more = pending.empty();
          break;
        case Progress::failed:
          outcome.refused = true;
          break;
      }
    }
  });
  return outcome;
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto [choice, bytes] = input_of(data, size);
  const std::string all = std::string(bytes) + "\r\n\r\n";
  require(serve(all, 0) == serve(all, choice), "the cuts do not matter");
  return 0;
}
