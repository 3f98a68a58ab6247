// The payloads that the keeper reads: plans, settings, exits. What was read can be written, and then stays as it is.
#include <cstring>

#include "fuzz/fuzz.h"
#include "keeper/protocol.h"

namespace sup::fuzz {
namespace {

using namespace sup::keeper;

Plan plan_of(const PlanView& view) {
  Plan plan;
  plan.path = view.path;
  plan.directory = view.directory;
  plan.identity_refused = view.identity_refused;
  for (std::size_t i = 0; view.argv[i] != nullptr; ++i)
    plan.argv.emplace_back(view.argv[i]);
  require(plan.argv.size() + 1 == view.argv.size() && !plan.argv.empty(), "argv ends behind at least one word");
  for (const auto& [text, key] : view.environment) {
    require(std::strlen(text) > key && text[key] == '=', "a variable is KEY=VALUE");
    plan.environment.emplace_back(std::string(text, key), text + key + 1);
  }
  plan.umask = view.umask;
  if (view.has_identity) plan.identity = Identity{view.uid, view.gid, view.groups};
  plan.stdin_from_socket = view.stdin_from_socket;
  plan.stderr_to_stdout = view.stderr_to_stdout;
  plan.stop_signal = view.stop_signal;
  plan.stop_wait_ms = view.stop_wait_ms;
  plan.stop_as_group = view.stop_as_group;
  plan.kill_as_group = view.kill_as_group;
  return plan;
}

template <class Thing>
std::string encoded(const Thing& thing) {
  Writer writer;
  encode(writer, thing);
  require(!writer.holds_nul(), "what was read can be written");
  return writer.bytes();
}

void check_plan(std::string_view bytes) {
  PlanView view;
  Reader reader(bytes);
  if (!decode(reader, view)) return;
  const std::string written = encoded(plan_of(view));
  // The same view again: it must forget what it held.
  Reader again(written);
  require(decode(again, view) && encoded(plan_of(view)) == written, "a plan stays as it is");
}

template <class Thing>
void check(std::string_view bytes) {
  Thing thing;
  Reader reader(bytes);
  if (!decode(reader, thing)) return;
  const std::string written = encoded(thing);
  Reader again(written);
  require(decode(again, thing) && encoded(thing) == written, "what was read stays as it is");
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = sup::fuzz::text_of(data, size);
  sup::fuzz::check_plan(bytes);
  sup::fuzz::check<sup::keeper::KeeperSettings>(bytes);
  sup::fuzz::check<sup::keeper::Exit>(bytes);
  return 0;
}
