// Carries what children write from their pipes to their log files, on a thread of its own.
//
// The control thread hands over descriptors and asks; the pump answers through Reports, which the control thread
// collects when fd() becomes readable. No state is shared, so a flood of output or a slow disk never delays control.
// Plain channels are copied as they come. Channels with strip_ansi, capture mode, log events, syslog or debug echo go
// through the filters of filter.h; both ways put the same bytes into the file.
//
// A process that is killed loses nothing of what it carried, if somebody holds its heirlooms() and the pipes: its
// successor takes them over and goes on at the same byte (transit.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "logs/rotating_file.h"

namespace sup::logs {

// How one channel of one process is carried.
struct ChannelPlan {
  std::string name;   // of the process, for syslog lines and messages
  RotatingFile file;  // may be closed: no file
  bool strip_ansi = false;
  bool syslog = false;
  bool events = false;        // report every chunk as Report::Kind::data
  bool echo = false;          // report every chunk as Report::Kind::echo, for the daemon's own log at DEBG
  long long capture_max = 0;  // > 0: look for capture tokens
};

struct Report {
  enum class Kind : std::uint8_t {
    data,      // `bytes` were logged (or captured); only with ChannelPlan::events
    echo,      // likewise, only with ChannelPlan::echo
    captured,  // a capture ended, `bytes` is its content
    closed,    // the pipe reached end of file or was drained; it is closed and everything from it is written
    drained,   // answer to drain(): every byte that was in the process's pipes is written, the pipes are closed
    cleared,   // answer to clear(); `code` 0 or errno
    problem,   // `bytes` is a message for the daemon's log at `level`
  };
  Kind kind = Kind::data;
  ProcessId id = 0;
  Channel channel = Channel::out;
  Level level = Level::error;
  int code = 0;
  std::string bytes{};
};

// What the engine may ask; the real Pump below, and fakes in tests. None of these blocks.
class OutputCarrier {
 public:
  virtual ~OutputCarrier() = default;
  // Takes over the read end of a pipe and the file, until drain() or forget(), one of which must come before the same is
  // attached again.
  virtual void attach(ProcessId id, Channel channel, UniqueFd pipe, ChannelPlan plan) = 0;
  // The process is gone: write what is left in its pipes (bounded: a grandchild may go on writing), close them and the
  // files, report `drained`. Also answered when nothing is attached.
  virtual void drain(ProcessId id) = 0;
  // The process is gone, and both its pipes were closed before: close the files. Not answered.
  virtual void forget(ProcessId id) = 0;
  // Close and reopen by name: log rotation by others (SIGUSR2).
  virtual void reopen(ProcessId id) = 0;
  // Remove the files of both channels and begin new ones, then report `cleared`.
  virtual void clear(ProcessId id) = 0;
};

class Pump final : public OutputCarrier {
 public:
  // Throws std::system_error when there are no descriptors or threads left: without it there is no daemon.
  explicit Pump(std::string syslog_path = "/dev/log");
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;
  ~Pump() override;  // writes what is readable now, then ends the thread

  // Descriptors to be held for a successor, by name. Empty where the system does not allow that.
  [[nodiscard]] const std::vector<std::pair<std::string, int>>& heirlooms() const;
  // Instead of what a new pump holds, uses what `held` has of a predecessor's heirlooms; false: nothing to be used, and
  // the own ones are still to be held. Before anything else. From here to go_on() nothing is read: meanwhile all that
  // the predecessor carried is attached again.
  [[nodiscard]] bool take_over(std::map<std::string, UniqueFd>& held);
  void go_on();

  // Writes what was read and reads no more, for the good of a successor that could not use the heirlooms. False when
  // that takes longer than `patience`, since a disk is stalled. Only reports() and the end of the process may follow.
  [[nodiscard]] bool leave(Duration patience);

  [[nodiscard]] int fd() const;                 // readable when there are reports
  [[nodiscard]] std::vector<Report> reports();  // all there are, in order per process

  void attach(ProcessId id, Channel channel, UniqueFd pipe, ChannelPlan plan) override;
  void drain(ProcessId id) override;
  void forget(ProcessId id) override;
  void reopen(ProcessId id) override;
  void clear(ProcessId id) override;

 private:
  struct Impl;
  void begin(std::unique_ptr<Impl> impl);
  void end();

  std::string syslog_path_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sup::logs
