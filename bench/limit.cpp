// What the machine allows: the same work as the daemon's with no policy, as a bound to compare with.
//
//   bench_limit run PLAN                       start, restart and log programs; SIGTERM stops them all, then ends
//   bench_limit respawn ROUNDS BOARD CHILD     kill, wait and posix_spawn in a loop; prints nanoseconds to main() and
//   before libc's start bench_limit http SOCKET BYTES              answer every POST on a unix socket with a page of
//   BYTES bench_limit events COUNT CHILD ARGS...     send COUNT events to a listener one by one; prints events a second
//
// A line of PLAN is one program: log file, bytes after which it is rotated (0: never), backups and the command line,
// separated by tabs.
#include "board.h"

#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int checked(int result, const char* what) {
  if (result < 0) die(what);
  return result;
}

// Starts a program with these as its standard input and output, and standard error too; -1 leaves one as it is.
pid_t spawn(char* const* argv, int in, int out) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  posix_spawn_file_actions_init(&actions);
  if (in >= 0) posix_spawn_file_actions_adddup2(&actions, in, 0);
  if (out >= 0) posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (out >= 0) posix_spawn_file_actions_adddup2(&actions, out, 2);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &none);
  pid_t pid = -1;
  if ((errno = posix_spawn(&pid, argv[0], &actions, &attributes, argv, environ)) != 0) die("posix_spawn");
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return pid;
}

// --- run

struct Program {
  std::string log;
  std::size_t limit = 0;
  int backups = 0;
  std::vector<std::string> words;
  std::vector<char*> argv;
  int output[2] = {-1, -1};
  int file = -1;
  std::size_t size = 0;

  void start_log() {
    file = checked(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644), log.c_str());
    size = 0;
  }
  void rotate() {
    close(file);
    for (int i = backups - 1; i >= 0; --i)
      std::rename((i ? log + "." + std::to_string(i) : log).c_str(), (log + "." + std::to_string(i + 1)).c_str());
    start_log();
  }
};

std::vector<Program> read_plan(const char* path) {
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) die(path);
  std::vector<Program> programs;
  std::array<char, 8192> line{};
  while (std::fgets(line.data(), line.size(), file) != nullptr) {
    line[std::strcspn(line.data(), "\n")] = 0;
    Program program;
    for (char* word = std::strtok(line.data(), "\t"); word != nullptr; word = std::strtok(nullptr, "\t"))
      program.words.emplace_back(word);
    if (program.words.size() < 4) continue;
    program.log = program.words[0];
    program.limit = std::strtoul(program.words[1].c_str(), nullptr, 10);
    program.backups = std::atoi(program.words[2].c_str());
    program.words.erase(program.words.begin(), program.words.begin() + 3);
    programs.push_back(std::move(program));
  }
  std::fclose(file);
  for (auto& program : programs) {
    for (auto& word : program.words)
      program.argv.push_back(word.data());
    program.argv.push_back(nullptr);
  }
  return programs;
}

void carry(Program& program) {
  static std::array<char, 128 * 1024> buffer;
  const ssize_t got = read(program.output[0], buffer.data(), buffer.size());
  for (ssize_t done = 0; done < got;) {
    const ssize_t written = write(program.file, buffer.data() + done, static_cast<std::size_t>(got - done));
    if (written < 0) die("write");
    done += written;
  }
  if (got > 0) program.size += static_cast<std::size_t>(got);
  if (program.limit > 0 && program.size >= program.limit) program.rotate();
}

class Keeper {
 public:
  explicit Keeper(std::vector<Program> programs) : programs_(std::move(programs)) {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigprocmask(SIG_BLOCK, &watched, nullptr);
    signals_ = checked(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
    poll_ = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    watch(signals_, programs_.size());
    for (std::size_t i = 0; i < programs_.size(); ++i) {
      auto& program = programs_[i];
      checked(pipe2(program.output, O_CLOEXEC), "pipe2");
      program.start_log();
      watch(program.output[0], i);
      start(i);
    }
  }

  void run() {
    while (!stopping_ || !pids_.empty()) {
      std::array<epoll_event, 64> events;
      const int ready = epoll_wait(poll_, events.data(), events.size(), -1);
      for (int i = 0; i < ready; ++i) {
        const std::size_t which = events[static_cast<std::size_t>(i)].data.u64;
        which < programs_.size() ? carry(programs_[which]) : on_signal();
      }
    }
  }

 private:
  void watch(int fd, std::size_t which) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = which}};
    checked(epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
  void start(std::size_t i) { pids_[spawn(programs_[i].argv.data(), -1, programs_[i].output[1])] = i; }
  void on_signal() {
    signalfd_siginfo info;
    while (read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo != SIGTERM) continue;
      stopping_ = true;
      for (const auto& [pid, i] : pids_)
        kill(pid, SIGTERM);
    }
    for (pid_t pid = 0; (pid = waitpid(-1, nullptr, WNOHANG)) > 0;) {
      const auto found = pids_.find(pid);
      if (found == pids_.end()) continue;
      const std::size_t i = found->second;
      pids_.erase(found);
      if (!stopping_) start(i);
    }
  }

  std::vector<Program> programs_;
  std::unordered_map<pid_t, std::size_t> pids_;
  int signals_ = -1, poll_ = -1;
  bool stopping_ = false;
};

// --- respawn

int respawn(int rounds, char* board, char* child) {
  const int fd = checked(open(board, O_RDWR | O_CLOEXEC), board);
  void* mapping = mmap(nullptr, sizeof(bench::Slot), PROT_READ, MAP_SHARED, fd, 0);
  if (mapping == MAP_FAILED) die("mmap");
  const volatile auto& slot = *static_cast<const bench::Slot*>(mapping);
  char mode[] = "sleep", index[] = "0";
  char* const argv[] = {child, mode, board, index, nullptr};
  const timespec pause{0, 200'000};
  const auto arrive = [&](pid_t pid, std::int64_t since) {
    while (slot.pid != pid || slot.began < since)
      nanosleep(&pause, nullptr);
  };
  std::int64_t begin = bench::now();
  pid_t pid = spawn(argv, -1, -1);
  arrive(pid, begin);
  for (int i = 0; i < rounds; ++i) {
    const timespec rest{0, 10'000'000};
    nanosleep(&rest, nullptr);
    begin = bench::now();
    kill(pid, SIGKILL);
    if (waitpid(pid, nullptr, 0) != pid) die("waitpid");
    pid = spawn(argv, -1, -1);
    arrive(pid, begin);
    std::printf("%lld %lld\n", static_cast<long long>(slot.began - begin),
                static_cast<long long>(slot.entered - begin));
  }
  kill(pid, SIGKILL);
  return 0;
}

// --- http

struct Caller {
  int fd;
  std::string in;
  std::size_t sent = 0;  // of the answer under way
  bool answering = false;
};

// Carries one caller on; false when it is gone.
bool serve(Caller& caller, const std::string& page, int poll) {
  if (!caller.answering) {
    std::array<char, 4096> buffer;
    const ssize_t got = read(caller.fd, buffer.data(), buffer.size());
    if (got <= 0) return got < 0 && errno == EAGAIN;
    caller.in.append(buffer.data(), static_cast<std::size_t>(got));
    const auto head = caller.in.find("\r\n\r\n");
    const auto length = caller.in.find("Content-Length: ");
    if (head == std::string::npos || length == std::string::npos) return true;
    if (caller.in.size() < head + 4 + std::strtoul(caller.in.c_str() + length + 16, nullptr, 10)) return true;
    caller.in.clear();
    caller.answering = true;
  }
  while (caller.sent < page.size()) {
    const ssize_t written = send(caller.fd, page.data() + caller.sent, page.size() - caller.sent, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN) return false;
    if (written < 0) {
      epoll_event event{.events = EPOLLOUT, .data = {.ptr = &caller}};
      epoll_ctl(poll, EPOLL_CTL_MOD, caller.fd, &event);
      return true;
    }
    caller.sent += static_cast<std::size_t>(written);
  }
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &caller}};
  epoll_ctl(poll, EPOLL_CTL_MOD, caller.fd, &event);
  caller.sent = 0;
  caller.answering = false;
  return true;
}

int http(const char* path, std::size_t size) {
  const std::string page = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: " + std::to_string(size) +
                           "\r\n\r\n" + std::string(size, ' ');
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int listener = checked(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  checked(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), path);
  checked(::listen(listener, 128), "listen");
  const int poll = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    std::array<epoll_event, 64> events;
    const int ready = epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      auto* caller = static_cast<Caller*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (caller != nullptr) {
        if (serve(*caller, page, poll)) continue;
        close(caller->fd);
        delete caller;
      } else if (const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); fd >= 0) {
        event.data.ptr = new Caller{fd, {}};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}

// --- events

int events(long count, char** listener) {
  int in[2], out[2];
  checked(pipe2(in, O_CLOEXEC), "pipe2");
  checked(pipe2(out, O_CLOEXEC), "pipe2");
  const pid_t pid = spawn(listener, in[0], out[1]);
  std::array<char, 256> answer;
  const auto expect = [&](ssize_t size) {
    while (size > 0) {
      const ssize_t got = read(out[0], answer.data(), static_cast<std::size_t>(size));
      if (got <= 0) die("listener");
      size -= got;
    }
  };
  expect(6);  // READY
  const auto begin = bench::now();
  for (long i = 0; i < count; ++i) {
    std::string event = "ver:3.0 server:supervisor serial:" + std::to_string(i) +
                        " pool:listen poolserial:" + std::to_string(i) +
                        " eventname:PROCESS_COMMUNICATION_STDOUT len:240\n";
    event += std::string(240, 'e');
    if (write(in[1], event.data(), event.size()) != static_cast<ssize_t>(event.size())) die("write");
    expect(17);  // RESULT 2, OK, READY
  }
  std::printf("%.1f\n", static_cast<double>(count) * 1e9 / static_cast<double>(bench::now() - begin));
  kill(pid, SIGKILL);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string_view what = argc > 2 ? argv[1] : "";
  if (what == "run") return Keeper(read_plan(argv[2])).run(), 0;
  if (what == "respawn" && argc == 5) return respawn(std::atoi(argv[2]), argv[3], argv[4]);
  if (what == "http" && argc == 4) return http(argv[2], std::strtoul(argv[3], nullptr, 10));
  if (what == "events" && argc > 4) return events(std::atol(argv[2]), argv + 3);
  return 2;
}
