// The notes of an event listener pool. They mean something up to their first damage, and a picture stays as it is.
#include "fuzz/fuzz.h"
#include "process/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto picture = sup::process::read_notes(text_of(data, size));
  for (const auto& item : picture.buffer)
    require(item.event != nullptr, "a place in the buffer has its event");
  const std::string written = sup::process::write_notes(picture).joined();
  const auto again = sup::process::read_notes(written);
  require(again.buffer.size() == picture.buffer.size() && again.members.size() == picture.members.size(),
          "nobody is lost");
  require(sup::process::write_notes(again).joined() == written, "a picture stays as it is");
  return 0;
}
