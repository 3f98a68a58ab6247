// What a keeper leaves for itself when it becomes a newer program. What was read can be written, and stays as it is.
#include "keeper/state.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto state = sup::keeper::read_state(text_of(data, size));
  if (!state) {
    require(!state.error().text.empty(), "a refusal has its reason");
    return 0;
  }
  require(state->pid > 0, "a keeper is a process");
  for (const auto& child : state->children)
    require(child.id != 0 && child.pid >= 0, "a child has an id");
  const std::string written = sup::keeper::write_state(*state);
  const auto again = sup::keeper::read_state(written);
  require(again && again->children.size() == state->children.size(), "what was read can be written");
  require(sup::keeper::write_state(*again) == written, "a state stays as it is");
  return 0;
}
