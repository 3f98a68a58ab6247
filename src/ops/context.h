// What the operations work on: the engine, and the daemon around it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/errands.h"
#include "api/fault.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "config/diff.h"
#include "engine/engine.h"

namespace sup::ops {

// The daemon as operations see it.
class Supervisor {
 public:
  virtual ~Supervisor() = default;
  [[nodiscard]] virtual int pid() const = 0;  // the keeper's, which the pidfile names
  [[nodiscard]] virtual const std::string& identification() const = 0;
  [[nodiscard]] virtual std::string main_log_path() const = 0;  // empty: there is none to read
  [[nodiscard]] virtual Result<> clear_main_log() = 0;
  // Both begin after the answer has been sent.
  virtual void request_shutdown() = 0;
  virtual void request_restart() = 0;
  // Another manager takes over, started anew from the program's file; with `keeper_too` the keeper becomes it as well,
  // as it does anyway when the file has changed. `done` is called once: with the version that takes over, or why none.
  virtual void upgrade(bool keeper_too, std::move_only_function<void(Result<std::string>)> done) = 0;
  // Reads the configuration files again; nothing is applied. The Error is what `reread` shows behind CANT_REREAD.
  [[nodiscard]] virtual Result<config::Changes> reread() = 0;
  // The configuration read last.
  [[nodiscard]] virtual const config::Config& config() const = 0;
  [[nodiscard]] virtual std::uint32_t generation() const = 0;  // of that configuration
  // A group of that configuration joins the running ones.
  enum class Added { added, unknown, already };
  [[nodiscard]] virtual Added add_group(const std::string& name) = 0;
  enum class Removed { removed, unknown, still_running };
  [[nodiscard]] virtual Removed remove_group(const std::string& name) = 0;
};

struct Context {
  engine::Engine& engine;
  Supervisor& supervisor;
  const Clock& clock;
  api::Errands* errands = nullptr;    // for what takes long; without them it is done at once
  std::deque<std::string> names = {};  // of the operations added for this context: the table only refers to them
};

}  // namespace sup::ops
