// What the keeper keeps for the next manager. A record that can be read says the same after it was written again.
#include "engine/record.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const std::string_view bytes = text_of(data, size);
  const auto process = sup::engine::read_process_record(bytes);
  if (process) {
    const auto again = sup::engine::read_process_record(sup::engine::write_record(*process));
    require(again && *again == *process, "a process stays as it is");
  }
  const auto session = sup::engine::read_session_record(bytes);
  if (session) {
    const auto again = sup::engine::read_session_record(sup::engine::write_record(*session));
    require(again && *again == *session, "a session stays as it is");
  }
  require(!process || !session, "a record is of one kind");
  return 0;
}
