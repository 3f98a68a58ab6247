// The pump's thread: waits for pipes, reads, writes. Everything here belongs to that thread; see pump.h for the story.
//
// A pipe is in one of three places. Cold: epoll watches it and it is read the moment something comes. Hot: it delivers
// many small pieces, so it is read by the clock, about each millisecond and before it is full, which saves most of the
// work for both sides; a hot pipe found empty is cold again, so that nothing ever wakes an idle daemon. Parked: its
// output is reported to the control thread, which has more than enough to read already.
//
// What is read is on record in a Transit until it is written. Where a predecessor was killed in between, its successor
// ends that first, when it gets the pipe and the file of the process, and only then reads anything.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "logs/complaints.h"
#include "logs/exchange.h"
#include "logs/filter.h"
#include "logs/syslog.h"
#include "logs/transit.h"

namespace sup::logs {

class Carrier {
 public:
  // Throws std::system_error when the kernel has no descriptors left for it.
  // `transit` is empty, or what a predecessor left: then nothing is read before a `go_on` command.
  Carrier(Exchange& exchange, std::string syslog_path, std::unique_ptr<Transit> transit, bool take_over);
  // Until a `stop` command, when what is readable is still written, or a `leave` command, when all that was read is.
  void run();

 private:
  enum class Place : std::uint8_t { nowhere, cold, hot, parked };
  enum class Got : std::uint8_t { bytes, nothing, end };

  struct Source {
    ProcessId id = 0;
    Channel channel = Channel::out;
    Place place = Place::nowhere;
    bool plain = false;  // from pipe to file, nothing else
    bool events = false;
    bool echo = false;
    bool troubled = false;     // complaints_ has an entry that may have something to say
    unsigned char streak = 0;  // of reads that want the pipe to be treated differently
    int capacity = 65536;      // of the pipe, about
    int slot = -1;             // of its filter, in transit_
    Time last_read{};
    UniqueFd pipe;  // closed at its end, while the file stays open for reopen and clear
    RotatingFile file;
    std::string name;
    std::unique_ptr<Filter> filter;
    std::unique_ptr<LineCutter> lines;  // for syslog
  };
  class Outlet;
  using Key = std::pair<ProcessId, Channel>;

  [[nodiscard]] int wait();
  void obey(Command& command);
  void attach(Command& command);
  void drain(ProcessId id);
  void reopen(ProcessId id);
  void clear(ProcessId id);
  void resume_parked();
  void go_on();

  void turn(Source& source);
  void tick();
  [[nodiscard]] std::pair<Got, std::size_t> read(Source& source);
  void end_chunk(Source& source);
  void finish_left(Source& source);
  void skip_written(Source& source, const Transit::Left& left);
  void pace(Source& source, std::size_t bytes);
  void place(Source& source, Place to);
  void widen(Source& source);
  void finish_pipe(Source& source);
  void finish(Source& source);

  void deliver(Source& source, std::span<char> bytes);
  void write_file(Source& source, std::string_view bytes);
  void tell_how_it_went(Source& source, const Result<>& written, unsigned long long lost);
  void send_syslog(Source& source, std::string_view line);
  [[nodiscard]] Complaints& complaints(const Source& source);
  void tell(const Source& source, const std::optional<Message>& message);

  Exchange& exchange_;
  UniqueFd epoll_;
  std::unique_ptr<Transit> transit_;
  std::optional<Transit::Left> left_;  // by a predecessor
  std::size_t skip_ = 0;               // bytes that come of left_ and are in the file already
  bool taking_over_ = false;
  std::vector<char> scratch_;  // for filters, which overwrite what they are fed
  std::array<epoll_event, 128> ready_{};
  std::unordered_map<ProcessId, std::array<std::unique_ptr<Source>, 2>> sources_;
  std::vector<Source*> hot_;
  std::vector<Source*> parked_;
  Time now_{};
  Time tick_{};                           // when the hot ones are read next
  std::map<Key, Complaints> complaints_;  // only of logs that ever had trouble
  Syslog syslog_;
  Complaints syslog_complaints_{"syslog", "lines"};
  bool stopping_ = false;
  bool leaving_ = false;  // to a successor
};

}  // namespace sup::logs
