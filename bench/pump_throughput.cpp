// How fast the log pump carries the output of one child, and what that costs, next to `cat > file`.
//
//   pump_throughput [CHUNK_BYTES [MEGABYTES [FILE]]]
//
// The child writes MEGABYTES in pieces of CHUNK_BYTES. Printed are the rate and the carrier's CPU seconds per GB.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "logs/pump.h"

namespace {

using sup::UniqueFd;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

pid_t start(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  return pid;
}

void write_pieces(int fd, std::size_t piece, std::size_t total) {
  std::string text(piece, 'x');
  text.back() = '\n';
  for (std::size_t done = 0; done < total; done += piece) {
    if (::write(fd, text.data(), text.size()) < 0) ::_exit(1);
  }
}

void print(const char* name, double elapsed, double used, std::size_t total) {
  const double gigabytes = static_cast<double>(total) / 1e9;
  std::fputs(
      fmt::format("{:5} {:8.0f} MB/s  {:6.2f} s of CPU per GB\n", name, gigabytes * 1000 / elapsed, used / gigabytes)
          .c_str(),
      stdout);
}

void run_cat(std::size_t piece, std::size_t total, const char* file) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  const double begin = now();
  const pid_t writer = start([&] {
    ::close(ends[0]);
    write_pieces(ends[1], piece, total);
  });
  const pid_t cat = start([&] {
    ::dup2(ends[0], 0);
    ::dup2(::open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 1);
    ::execlp("cat", "cat", nullptr);
  });
  ::close(ends[0]);
  ::close(ends[1]);
  rusage usage{};
  ::wait4(cat, nullptr, 0, &usage);
  print("cat", now() - begin, seconds(usage.ru_utime) + seconds(usage.ru_stime), total);
  ::waitpid(writer, nullptr, 0);
}

void run_pump(std::size_t piece, std::size_t total, const char* file) {
  int ends[2];
  ::unlink(file);
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  sup::logs::ChannelPlan plan;
  plan.file = sup::logs::RotatingFile::open({file, 50LL << 40, 10}).value();
  const pid_t writer = start([&] {
    ::close(ends[0]);
    write_pieces(ends[1], piece, total);
  });
  ::close(ends[1]);
  sup::logs::Pump pump;
  const double begin = now();
  const double used = cpu(RUSAGE_SELF);
  pump.attach(1, sup::Channel::out, UniqueFd(ends[0]), std::move(plan));
  pollfd request{pump.fd(), POLLIN, 0};
  ::poll(&request, 1, -1);
  print("pump", now() - begin, cpu(RUSAGE_SELF) - used, total);
  ::waitpid(writer, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t piece = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 65536;
  const std::size_t total = (argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000) * 1000000;
  const char* file = argc > 3 ? argv[3] : "/tmp/pump_throughput.out";
  for (int round = 0; round < 3; ++round) {
    run_cat(piece, total, file);
    run_pump(piece, total, file);
  }
  ::unlink(file);
}
