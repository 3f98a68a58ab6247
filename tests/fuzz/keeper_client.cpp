// A manager whose keeper says anything at all in well-formed frames: it restores, asks, reads notices, and learns in
// the end that the keeper is gone.
#include "keeper/client.h"

#include <algorithm>
#include <array>

#include "fuzz/descriptors.h"
#include "fuzz/frames.h"
#include "keeper/wire.h"

namespace sup::fuzz {
namespace {

struct Listener final : keeper::Notices {
  int gone = 0;

  void on_spawned(ProcessId, std::expected<keeper::Spawned, keeper::SpawnFailure> result) override {
    if (!result) require(result.error().stage <= keeper::SpawnStage::fork, "a spawn fails at a known stage");
  }
  void on_signalled(ProcessId, int, int) override {}
  void on_exited(ProcessId, pid_t, const keeper::Exit&) override {}
  void on_lent(ProcessId, UniqueFd, bool) override {}
  void on_orphan(pid_t, int) override {}
  void on_daemon_signal(int) override {}
  void on_keeper_gone() override { ++gone; }
};

void talk(std::string_view bytes, unsigned choice) {
  auto [ours, theirs] = socket_pair();
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  keeper::Sender sender;
  for (const SpelledFrame& frame : spelled_frames(bytes, 24)) {
    std::array<int, 3> fds{-1, -1, -1};
    std::fill_n(fds.begin(), frame.fds, null.get());
    sender.send(theirs.get(), frame.verb, frame.id, frame.payload, {fds[0], fds[1], fds[2]});
  }
  sender.clear();
  theirs.reset();

  keeper::Client client(std::move(ours));
  if ((choice & 1) != 0) (void)client.configure({});
  if ((choice & 2) != 0) {
    if (const auto restored = client.restore())
      for (const auto& [name, fd] : restored->held)
        require(fcntl(fd.get(), F_GETFD) == FD_CLOEXEC, "what was held is there");
  }
  Listener listener;
  client.receive(listener);
  require(listener.gone == 1, "the end of the keeper is told once");
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  std::string_view bytes = text_of(data, size);
  const unsigned choice = take_choice(bytes);
  const int before = open_descriptors();
  talk(bytes, choice);
  require(open_descriptors() == before, "every descriptor is closed");
  return 0;
}
