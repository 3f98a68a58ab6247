// Frames of any size with descriptors, through a real socket: what is sent arrives in its order, also when much of it
// has to wait. The first byte chooses how often the receiver looks.
#include <sys/stat.h>

#include <algorithm>
#include <array>

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
    std::array<int, 3> fds{-1, -1, -1};
    std::fill_n(fds.begin(), frame.fds, null.get());
    sender.send(there.get(), frame.verb, frame.id, frame.payload, {fds[0], fds[1], fds[2]});
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
  std::string_view bytes = text_of(data, size);
  const unsigned choice = take_choice(bytes);
  const int before = open_descriptors();
  exchange(spelled_frames(bytes, 64), choice);
  require(open_descriptors() == before, "every descriptor is closed");
  return 0;
}
