// Frames of any size with descriptors, through a real socket: what is sent arrives in its order, also when much of it
// has to wait. The first byte chooses how often the receiver looks.
#include <sys/stat.h>

#include "fuzz/descriptors.h"
#include "fuzz/frames.h"
#include "keeper/wire.h"

namespace sup::fuzz {
namespace {

using keeper::Receiver;

class Arrivals {
 public:
  explicit Arrivals(const std::vector<SpelledFrame>& sent) : sent_(sent) {}

  void take(int socket) {
    while (receiver_.receive(socket) == Receiver::Got::datagram) {
      keeper::Frame frame;
      auto next = receiver_.next(frame);
      for (; next == Receiver::Next::frame; next = receiver_.next(frame))
        check(frame);
      require(next == Receiver::Next::end, "a datagram that was sent well is read well");
    }
  }
  [[nodiscard]] bool complete() const { return count_ == sent_.size(); }

 private:
  void check(const keeper::Frame& frame) {
    require(count_ < sent_.size(), "only what was sent arrives");
    const SpelledFrame& wanted = sent_[count_++];
    require(frame.verb == wanted.verb && frame.id == wanted.id && !frame.lost, "the frame is the one that was sent");
    require(frame.payload == wanted.payload, "the payload is the one that was sent");
    require(frame.fds.size() == wanted.fds, "its descriptors come with it");
    for (const UniqueFd& fd : frame.fds) {
      struct stat status {};
      require(fstat(fd.get(), &status) == 0 && S_ISCHR(status.st_mode), "they are what they were");
    }
  }

  const std::vector<SpelledFrame>& sent_;
  std::size_t count_ = 0;
  Receiver receiver_;
};

void exchange(const std::vector<SpelledFrame>& frames, unsigned choice) {
  const auto [here, there] = socket_pair();
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  keeper::Sender sender;
  Arrivals arrivals(frames);
  unsigned turn = 0;
  for (const SpelledFrame& frame : frames) {
    send_frame(sender, there.get(), frame, null.get());
    if (++turn % (choice % 16 + 1) == 0) arrivals.take(here.get());
  }
  while (!sender.empty()) {
    arrivals.take(here.get());
    sender.flush(there.get());
  }
  arrivals.take(here.get());
  require(arrivals.complete(), "all that was sent arrives");
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const Input input = input_of(data, size);
  closing_all([&] { exchange(spelled_frames(input.bytes, 64), input.choice); });
  return 0;
}
