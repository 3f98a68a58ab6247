#include "os/other_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <span>

#include "base/strings.h"

namespace sup::os {
namespace {

constexpr unsigned to_group = 4;  // PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9

// As much of a small file as there is room for.
std::string_view read_small(const char* path, std::span<char> room) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t got = fd ? read(fd.get(), room.data(), room.size()) : -1;
  return {room.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

int send(int process, int signal, unsigned flags) {
  return syscall(SYS_pidfd_send_signal, process, signal, nullptr, flags) == 0 ? 0 : errno;
}

}  // namespace

std::optional<std::uint64_t> start_time(pid_t pid) {
  std::array<char, 32> path{};
  fmt::format_to_n(path.data(), path.size() - 1, "/proc/{}/stat", pid);
  std::array<char, 1024> room;
  return start_time_in(read_small(path.data(), room));
}

// Behind the name, which may hold anything, follow the fields from the third on. Ours is the 22nd.
std::optional<std::uint64_t> start_time_in(std::string_view stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == stat.npos) return std::nullopt;
  std::string_view rest = stat.substr(name_end + 1);
  for (int field = 3; field <= 22; ++field) {
    const auto begin = rest.find_first_not_of(' ');
    if (begin == rest.npos) return std::nullopt;
    rest.remove_prefix(begin);
    const auto end = rest.find(' ');
    if (end == rest.npos) return std::nullopt;
    if (field == 22) {
      const auto value = to_int(rest.substr(0, end));
      return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
    }
    rest.remove_prefix(end);
  }
  return std::nullopt;
}

Duration age(std::uint64_t start_time) {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const auto ticks = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  const Duration start = Seconds(start_time / ticks) + Duration(1'000'000'000 / ticks * (start_time % ticks));
  return Seconds(now.tv_sec) + Duration(now.tv_nsec) - start;
}

std::string pid_space() {
  std::array<char, 64> room;
  const std::string_view boot = trim(read_small("/proc/sys/kernel/random/boot_id", room));
  std::array<char, 64> target;
  const ssize_t size = readlink("/proc/self/ns/pid", target.data(), target.size());
  if (boot.empty() || size <= 0) return {};
  return fmt::format("{} {}", boot, std::string_view(target.data(), static_cast<std::size_t>(size)));
}

UniqueFd open_process(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool has_ended(int process) {
  pollfd state{process, POLLIN, 0};
  return poll(&state, 1, 0) != 0;
}

int signal_process(int process, int signal) {
  return send(process, signal, 0);
}

// An older kernel takes the group's number. That of a living leader is nobody else's.
int signal_group(int process, pid_t pid, int signal) {
  const int code = send(process, signal, to_group);
  if (code != EINVAL) return code;
  if (getpgid(pid) != pid || has_ended(process)) return ESRCH;
  return kill(-pid, signal) == 0 ? 0 : errno;
}

}  // namespace sup::os
