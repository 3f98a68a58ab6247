// What the loader was told, as a memory file. The first byte chooses: foreign bytes as a snapshot, or a configuration
// that must read the same from its snapshot alone.
#include "daemon/snapshot.h"

#include <string>

#include "config/dump.h"
#include "fuzz/descriptors.h"
#include "fuzz/fuzz.h"
#include "fuzz/machine.h"

namespace sup::fuzz {
namespace {

using daemon::RecordingHost;
using daemon::ReplayHost;
using daemon::Snapshot;

Snapshot written_and_read(const Snapshot& snapshot) {
  const auto fd = daemon::write_snapshot(snapshot);
  require(fd.has_value(), "a snapshot can be written");
  auto again = daemon::read_snapshot(fd->get());
  require(again && *again == snapshot, "a snapshot comes back as it was");
  return std::move(*again);
}

std::string meaning(const config::Host& host) {
  const auto loaded = config::load(main_file, host, {}, true);
  return loaded ? config::dump(*loaded) : config::dump(loaded.error());
}

void foreign(std::string_view bytes) {
  const auto snapshot = daemon::read_snapshot(memory_file(bytes, true).get());
  if (!snapshot) return;
  written_and_read(*snapshot);
  for (const auto& [question, answer] : *snapshot)
    if (asks_for_much(answer)) return;
  const test::FakeHost machine;
  (void)meaning(ReplayHost(machine, *snapshot));
}

void own(std::string_view text) {
  if (asks_for_much(text)) return;
  const test::FakeHost machine = machine_with(text);
  const RecordingHost recorder(machine);
  const std::string before = meaning(recorder);
  require(before == meaning(machine), "recording changes nothing");
  test::FakeHost elsewhere;
  elsewhere.cwd = "/elsewhere";
  elsewhere.users.clear();
  elsewhere.groups.clear();
  elsewhere.directories.clear();
  require(meaning(ReplayHost(elsewhere, written_and_read(recorder.snapshot()))) == before,
          "a snapshot is all that the loader needs");
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  std::string_view bytes = text_of(data, size);
  if (take_choice(bytes) % 2 == 0) {
    foreign(bytes);
  } else {
    own(bytes);
  }
  return 0;
}
