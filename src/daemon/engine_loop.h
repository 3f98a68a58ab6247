// What wakes the engine up: the keeper, the log pump, and the next deadline. All three wait on the event loop that the
// HTTP servers use, too.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "base/time.h"
#include "engine/engine.h"
#include "keeper/client.h"
#include "logs/pump.h"

namespace sup::daemon {

// Uses what it is given for as long as it lives.
class EngineLoop {
 public:
  // Throws std::system_error when there are no descriptors left: without it there is no daemon.
  EngineLoop(boost::asio::io_context& loop, keeper::Client& keeper, logs::Pump& pump, engine::Engine& engine);

  // Deals with what the keeper has said already, and begins to wait.
  void begin();
  // After whatever was done with the engine: requests for the keeper may be queued, the next deadline may have moved.
  void after_input();
  // What the pump has to tell by now.
  void take_reports();

 private:
  void watch_keeper();
  void watch_keeper_writes();
  void watch_pump();
  void arm_timer();

  keeper::Client& keeper_;
  logs::Pump& pump_;
  engine::Engine& engine_;
  boost::asio::posix::stream_descriptor keeper_socket_;  // a duplicate, for waiting only
  boost::asio::posix::stream_descriptor pump_events_;    // likewise
  boost::asio::steady_timer timer_;
  std::optional<Time> armed_;
  bool waiting_to_write_ = false;
};

}  // namespace sup::daemon
