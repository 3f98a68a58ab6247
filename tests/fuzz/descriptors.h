// Descriptors for the targets that send and receive them.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "fuzz/fuzz.h"

namespace sup::fuzz {

// How many of the first descriptors are open: more after a run than before means that some were forgotten.
inline int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 64; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) ++count;
  return count;
}

// Calls `use`, which closes every descriptor that it opens.
template <class Use>
void closing_all(Use use) {
  const int before = open_descriptors();
  use();
  require(open_descriptors() == before, "every descriptor is closed");
}

inline std::pair<UniqueFd, UniqueFd> socket_pair() {
  int fds[2] = {-1, -1};
  require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0, "there is a socket pair");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

inline UniqueFd memory_file(std::string_view bytes, bool sealed) {
  UniqueFd fd(memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  require(write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memory can be written");
  if (sealed)
    require(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0, "it can be sealed");
  return fd;
}

}  // namespace sup::fuzz
