// Where the control thread and the pump's thread meet: commands one way, reports the other, each with an eventfd that
// is readable while something waits. Never blocks either side for longer than it takes to append to a list.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/unique_fd.h"
#include "logs/pump.h"

namespace sup::logs {

struct Command {
  enum class Kind : std::uint8_t { attach, drain, drain_silently, reopen, clear, proceed, go_on, stop, leave };
  Kind kind = Kind::proceed;
  ProcessId id = 0;
  Channel channel = Channel::out;     // attach
  UniqueFd pipe;                      // attach
  std::unique_ptr<ChannelPlan> plan;  // attach
};

class Exchange {
 public:
  // Throws std::system_error when the kernel has no descriptors left for it.
  Exchange();

  // For the control thread.
  void attach(ProcessId id, Channel channel, UniqueFd pipe, ChannelPlan plan);
  void drain(ProcessId id);
  void post(Command::Kind kind, ProcessId id);
  [[nodiscard]] std::vector<Report> reports();
  [[nodiscard]] int reports_fd() const { return reports_ready_.get(); }

  // For the pump's thread.
  [[nodiscard]] std::vector<Command> commands();
  [[nodiscard]] int commands_fd() const { return commands_ready_.get(); }
  [[nodiscard]] bool has_commands() const { return has_commands_.load(std::memory_order_relaxed); }
  void report(Report report);
  // The channel's pipe is closed and everything from it is written.
  void report_closed(ProcessId id, Channel channel);
  // So much output waits for the control thread that channels which report it had better not be read; a `proceed`
  // command says when they may again.
  [[nodiscard]] bool is_full();

 private:
  void post_locked(Command command);
  void report_locked(Report report);

  UniqueFd commands_ready_;
  UniqueFd reports_ready_;
  std::mutex mutex_;
  std::vector<Command> commands_;
  std::atomic<bool> has_commands_ = false;
  std::vector<Report> reports_;
  std::size_t reported_bytes_ = 0;                // in reports_
  bool pump_waits_ = false;                       // for room in reports_
  std::unordered_map<ProcessId, unsigned> open_;  // a bit for each channel whose pipe is not closed yet; never 0
};

}  // namespace sup::logs
