// A manager whose keeper says anything at all in well-formed frames: it restores, asks, reads notices, and learns in
// the end that the keeper is gone.
#include "keeper/client.h"

#include "fuzz/descriptors.h"
#include "fuzz/frames.h"

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
  for (const SpelledFrame& frame : spelled_frames(bytes, 24))
    send_frame(sender, theirs.get(), frame, null.get());
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
  const Input input = input_of(data, size);
  closing_all([&] { talk(input.bytes, input.choice); });
  return 0;
}
