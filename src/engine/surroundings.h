// What the engine works through: everything outside of it, behind interfaces that have fakes.
#pragma once

#include <memory>
#include <string_view>

#include "base/borrowed.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "engine/files.h"
#include "events/event.h"
#include "keeper/client.h"
#include "logs/pump.h"

namespace sup::engine {

class Talk;

// Bytes for the children's standard input. The real one queues what a pipe does not take.
class Inputs {
 public:
  virtual ~Inputs() = default;
  // The Error's code is EPIPE when the child has closed its end. `fd` stays the engine's.
  [[nodiscard]] virtual Result<> write(ProcessId id, int fd, Borrowed bytes) = 0;
  // Likewise, what is laid down there.
  [[nodiscard]] virtual Result<> move(ProcessId id, int fd, std::shared_ptr<Talk> talk) = 0;
  virtual void forget(ProcessId id) = 0;  // the descriptor is about to be closed
};

// The standard output of event listeners. It is small and must be obeyed, so the control thread reads it itself.
class ListenerOutputs {
 public:
  virtual ~ListenerOutputs() = default;
  // What comes out of the pipe is given to Engine::on_listener_output(), its end to Engine::on_listener_closed().
  // `talk`: what the bytes go through; nullptr: nothing.
  virtual void watch(ProcessId id, UniqueFd pipe, std::shared_ptr<Talk> talk) = 0;
  // Closes the pipe and returns what was left in it (bounded: a grandchild may go on writing). Nothing is given to the
  // engine any more. Empty for one that is not watched.
  [[nodiscard]] virtual std::string finish(ProcessId id) = 0;
};

// Who hears of events besides the event listeners.
class EventSink {
 public:
  virtual ~EventSink() = default;
  [[nodiscard]] virtual bool wants(events::Type type) const = 0;
  virtual void emit(const events::Event& event) = 0;
};

// Who remembers which process is which program, for a daemon that comes when this one, keeper and all, was killed.
class Births {
 public:
  virtual ~Births() = default;
  virtual void on_birth(ProcessId id, pid_t pid) = 0;
};

// All outlive the engine.
struct Surroundings {
  const Clock& clock;
  Log& log;
  keeper::Children& children;
  logs::OutputCarrier& output;
  Files& files;
  Inputs& inputs;
  ListenerOutputs& listener_outputs;
  EventSink* events = nullptr;
  Births* births = nullptr;
};

}  // namespace sup::engine
