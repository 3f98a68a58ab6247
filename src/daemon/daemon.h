// One life of the daemon, from a configuration to the end of its last process: joins engine, log pump, keeper and HTTP
// servers on one event loop. A restart (SIGHUP) is the end of one life and the beginning of the next in the same process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/operation.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "config/load.h"
#include "daemon/startup.h"
#include "daemon/upgrade.h"
#include "engine/record.h"
#include "keeper/client.h"
#include "ops/context.h"

namespace sup::daemon {

enum class Ending { exit, restart };

// How the user started the daemon.
struct Invocation {
  std::string argv0;
  std::vector<std::string> arguments;
  config::DaemonOverrides overrides;  // what the arguments say of the configuration
};

class Daemon final : public ops::Supervisor {
 public:
  struct Inheritance {  // from an earlier life of this process
    bool first = true;  // so that limits are raised, and the daemon detaches, once
    std::uint32_t generation = 0;
    std::uint64_t event_serial = 0;  // of the next event
  };

  // `host` is the system, for reading the configuration again.
  Daemon(keeper::Client& keeper, const config::Host& host, Invocation invocation, Inheritance inheritance);
  ~Daemon() override;

  // A start from nothing. The Error's text is for the usage exit.
  [[nodiscard]] Result<> begin(config::Config config, UniqueFd snapshot);
  // Takes over from a manager that died, or left for an upgrade.
  [[nodiscard]] Result<> take_over(const engine::SessionRecord& session, keeper::Restored restored);
  // Runs until everything is stopped. Does not return from an upgrade: the process ends then.
  [[nodiscard]] Ending run();
  // For the next life, when this one has ended in a restart.
  [[nodiscard]] Inheritance inheritance() const;
  [[nodiscard]] std::uint32_t generation() const override;

  // ---- ops::Supervisor
  [[nodiscard]] int pid() const override;
  [[nodiscard]] const std::string& identification() const override;
  [[nodiscard]] std::string main_log_path() const override;
  [[nodiscard]] Result<> clear_main_log() override;
  void request_shutdown() override;
  void request_restart() override;
  void upgrade(bool keeper_too, std::move_only_function<void(Result<std::string>)> done) override;
  [[nodiscard]] Result<config::Changes> reread() override;
  [[nodiscard]] const config::Config& config() const override;
  [[nodiscard]] Added add_group(const std::string& name) override;
  [[nodiscard]] Removed remove_group(const std::string& name) override;

 private:
  struct Parts;

  [[nodiscard]] Result<> open_log(const EarlyMessages& messages);
  void hold_output();
  void make_engine();
  [[nodiscard]] Result<> open_servers(std::map<std::string, UniqueFd>& held);
  void adopt_configuration(config::Config config, UniqueFd snapshot);
  void release_unused_snapshots();
  void save_session_soon();
  void on_signal(int signal);
  void end(engine::Mood mood);
  void keep_programs();
  void tell_of_take_over(const engine::SessionRecord& session);
  void prepare_to_leave(const Consent& consent);
  void leave_when_quiet();
  [[noreturn]] void leave();

  keeper::Client& keeper_;
  const config::Host& host_;
  Invocation invocation_;
  Inheritance inheritance_;
  std::unique_ptr<Parts> parts_;
};

// Reads the configuration, remembering every answer of the system.
struct Loaded {
  config::Config config;
  UniqueFd snapshot;
};
[[nodiscard]] std::expected<Loaded, std::vector<config::Problem>> load_and_record(
    const std::string& path, const config::Host& host, const config::DaemonOverrides& overrides);

}  // namespace sup::daemon
