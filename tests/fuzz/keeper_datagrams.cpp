// A datagram with descriptors, as a peer might send it that has lost its mind. The first byte chooses the descriptors.
#include <algorithm>
#include <array>

#include "fuzz/descriptors.h"
#include "fuzz/fuzz.h"
#include "keeper/wire.h"

namespace sup::fuzz {
namespace {

using keeper::Receiver;

constexpr std::size_t most_fds = 7;

// None, or some of which every second is memory that could hold a payload.
void send_datagram(int socket, std::string_view bytes, unsigned choice) {
  std::array<UniqueFd, most_fds> own;
  std::array<int, most_fds> fds{};
  const std::size_t count = choice % (most_fds + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const bool memory = (choice / 8 + i) % 2 == 0;
    own[i] = memory ? memory_file(bytes.substr(0, choice / 16), (choice & 128) == 0) : UniqueFd(dup(socket));
    fds[i] = own[i].get();
  }
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::copy_n(fds.data(), count, reinterpret_cast<int*>(CMSG_DATA(head)));
  }
  require(sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0, "a datagram can be sent");
}

void receive(int socket, std::size_t size) {
  Receiver receiver;
  require(receiver.receive(socket) == (size == 0 ? Receiver::Got::closed : Receiver::Got::datagram), "it arrives");
  keeper::Frame frame;
  for (std::size_t frames = 0; receiver.next(frame) == Receiver::Next::frame; ++frames) {
    require(frames <= size, "a frame takes bytes");
    require(frame.payload.size() <= std::max(size, std::size_t{16}), "a payload is what was sent");
    require(!frame.lost || frame.fds.empty(), "what was lost is not there");
    require(frame.fds.size() <= keeper::max_frame_fds + 1, "a frame has few descriptors");
    for (const UniqueFd& fd : frame.fds)
      require(fcntl(fd.get(), F_GETFD) == FD_CLOEXEC, "descriptors are open, and closed by execve");
    unsigned sum = 0;
    for (const char c : frame.payload)
      sum += static_cast<unsigned char>(c);
    require(sum <= frame.payload.size() * 255, "a payload can be read");
    if (!frame.fds.empty()) UniqueFd(std::move(frame.fds[0])).reset();
  }
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const Input input = input_of(data, size);
  closing_all([&] {
    const auto [here, there] = socket_pair();
    send_datagram(there.get(), input.bytes, input.choice);
    receive(here.get(), input.bytes.size());
  });
  return 0;
}
