#include "daemon/daemon.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <set>
#include <utility>

#include "base/signals.h"
#include "base/version.h"
#include "config/diff.h"
#include "daemon/child_inputs.h"
#include "daemon/engine_loop.h"
#include "daemon/errands.h"
#include "daemon/handover.h"
#include "daemon/listener_outputs.h"
#include "daemon/pidfile.h"
#include "daemon/programs_file.h"
#include "daemon/routes.h"
#include "daemon/servers.h"
#include "daemon/snapshot.h"
#include "engine/engine.h"
#include "logs/main_log.h"
#include "logs/pump.h"
#include "ops/register.h"
#include "os/clock.h"

namespace sup::daemon {
namespace asio = boost::asio;

std::expected<Loaded, std::vector<config::Problem>> load_and_record(const std::string& path, const config::Host& host,
                                                                    const config::DaemonOverrides& overrides) {
  RecordingHost recorder(host);
  recorder.remember(main_file_question, path);
  auto config = config::load(path, recorder, overrides);
  if (!config) return std::unexpected(std::move(config.error()));
  auto snapshot = write_snapshot(recorder.snapshot());
  if (!snapshot) return std::unexpected(std::vector{config::Problem{snapshot.error().text, {}, {}}});
  return Loaded{std::move(*config), std::move(*snapshot)};
}

// In the order of construction: what stands below uses what stands above.
struct Daemon::Parts {
  Parts() : loop(1), leaving(loop), inputs(loop), listener_outputs(loop) {}

  os::SystemClock clock;
  asio::io_context loop;
  std::unique_ptr<Errands> errands;
  asio::steady_timer leaving;

  config::Config config;
  std::map<std::uint32_t, UniqueFd> snapshots;  // what the keeper holds, by generation
  std::unique_ptr<logs::MainLog> log;
  logs::Pump pump;
  engine::SystemFiles files;
  ChildInputs inputs;
  ListenerOutputs listener_outputs;
  std::unique_ptr<ProgramsFile> programs;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<EngineLoop> engine_loop;
  std::unique_ptr<ops::Context> context;
  api::OperationTable operations;
  std::unique_ptr<Routes> routes;
  std::unique_ptr<Servers> servers;
  UniqueFd pidfile;
  bool save_pending = false;
  std::optional<Ending> ending;
  // Of an upgrade: the question is asked; consent was given; the moment to leave by.
  std::shared_ptr<const void> asking;
  std::optional<Consent> consent;
  Time leave_by{};
};

Daemon::Daemon(keeper::Client& keeper, const config::Host& host, Invocation invocation, Inheritance inheritance)
    : keeper_(keeper),
      host_(host),
      invocation_(std::move(invocation)),
      inheritance_(inheritance),
      parts_(std::make_unique<Parts>()) {}

Daemon::~Daemon() {
  if (!parts_->engine) return;
  parts_->servers.reset();
  if (!parts_->ending) return;  // a start that failed: nothing of it is left to tidy up
  parts_->programs->remove();
  if (parts_->pidfile) remove_pidfile(parts_->config.daemon.pidfile, parts_->pidfile);
  keeper_.release(pidfile_name);
  parts_->engine->forget_all();
  for (const auto& [generation, snapshot] : parts_->snapshots) keeper_.release(snapshot_name(generation));
}

// ---- beginnings

Result<> Daemon::open_log(const EarlyMessages& messages) {
  parts_->log = std::make_unique<logs::MainLog>(main_log_plan(parts_->config.daemon), parts_->clock);
  if (auto done = parts_->log->open(); !done) return done;
  messages.write_to(*parts_->log);
  return {};
}

// Keeps what the pump is about to write over a crash of ours.
void Daemon::hold_output() {
  for (const auto& [name, fd] : parts_->pump.heirlooms()) keeper_.hold(name, fd);
  if (parts_->pump.heirlooms().empty()) {
    (*parts_->log)(Level::warn, "a crash of the manager would cost the output that is being written at that moment");
  }
}

void Daemon::make_engine() {
  const config::Daemon& daemon = parts_->config.daemon;
  engine::Settings settings;
  settings.identifier = daemon.identifier;
  settings.child_log_directory = daemon.childlogdir;
  settings.server_url = server_url(parts_->config);
  if (const auto path = host_.environment().find("PATH"); path != host_.environment().end()) settings.path = path->second;
  settings.strip_ansi = daemon.strip_ansi;
  settings.is_init = keeper_.keeper_pid() == 1;
  settings.echo_output = parts_->log->wants(Level::debug);
  parts_->programs = std::make_unique<ProgramsFile>(*parts_->log);
  parts_->engine = std::make_unique<engine::Engine>(
      engine::Surroundings{parts_->clock, *parts_->log, keeper_, parts_->pump, parts_->files, parts_->inputs,
                           parts_->listener_outputs, nullptr, parts_->programs.get()},
      std::move(settings));
  parts_->engine_loop = std::make_unique<EngineLoop>(parts_->loop, keeper_, parts_->pump, *parts_->engine);
  parts_->listener_outputs.give_to({[this](ProcessId id, std::string_view bytes) {
                                      parts_->engine->on_listener_output(id, bytes);
                                      parts_->engine_loop->after_input();
                                    },
                                    [this](ProcessId id) { parts_->engine->on_listener_closed(id); }});
  parts_->engine->on_signal_of_daemon([this](int signal) { on_signal(signal); });
  parts_->engine->on_loss_of_keeper([] { _exit(1); });
  parts_->errands = std::make_unique<Errands>(parts_->loop, [this] { parts_->engine_loop->after_input(); });
  parts_->operations.use(*parts_->errands);
  parts_->context = std::make_unique<ops::Context>(*parts_->engine, *this, parts_->clock, parts_->errands.get());
  for (const config::RpcInterface& interface : parts_->config.rpc_interfaces) {
    ops::add_operations(parts_->operations, interface.name, *parts_->context);
  }
  parts_->routes = std::make_unique<Routes>(parts_->loop, *parts_->errands, parts_->operations, *parts_->engine,
                                            [this] { return main_log_path(); }, parts_->clock, *parts_->log);
}

Result<> Daemon::open_servers(std::map<std::string, UniqueFd>& held) {
  parts_->servers = std::make_unique<Servers>(
      parts_->loop,
      [this](std::shared_ptr<http::Exchange> exchange) {
        parts_->routes->handle(std::move(exchange));
        parts_->engine_loop->after_input();
      },
      keeper_, *parts_->log);
  return parts_->servers->open(parts_->config, held);
}

void Daemon::adopt_configuration(config::Config config, UniqueFd snapshot) {
  parts_->config = std::move(config);
  ++inheritance_.generation;
  keeper_.hold(snapshot_name(inheritance_.generation), snapshot.get());
  parts_->snapshots.insert_or_assign(inheritance_.generation, std::move(snapshot));
  if (parts_->engine) parts_->engine->set_generation(inheritance_.generation);
}

Result<> Daemon::begin(config::Config config, UniqueFd snapshot) {
  EarlyMessages messages;
  for (config::Notice& notice : config.notices) messages.add(notice.level, std::move(notice.text));
  adopt_configuration(std::move(config), std::move(snapshot));
  const config::Daemon& daemon = parts_->config.daemon;
  if (auto done = check_pidfile(daemon.pidfile); !done) return done;
  if (auto done = take_identity(daemon, keeper_, messages); !done) return done;
  if (inheritance_.first) {
    if (auto done = raise_limits(daemon, keeper_, messages); !done) return done;
  }
  check_capacity(parts_->config, messages);
  if (auto done = open_log(messages); !done) return done;
  hold_output();
  if (!daemon.nocleanup) clear_child_logs(daemon.childlogdir, daemon.identifier, *parts_->log);
  make_engine();
  parts_->engine->set_generation(inheritance_.generation);
  parts_->engine->continue_serials(inheritance_.event_serial);
  for (const auto& group : parts_->config.groups) parts_->engine->add_group(group, inheritance_.generation);
  std::map<std::string, UniqueFd> nothing;
  if (auto done = open_servers(nothing); !done) return done;
  if (!daemon.nodaemon && inheritance_.first) {
    detach(daemon, keeper_, *parts_->log);
    parts_->log->drop_stdout();
  }
  auto pidfile = claim_pidfile(daemon.pidfile, keeper_.keeper_pid(), *parts_->log);
  if (!pidfile) return std::unexpected(pidfile.error());
  parts_->pidfile = std::move(*pidfile);
  keeper_.hold(pidfile_name, parts_->pidfile.get());
  parts_->engine->save_session();
  keeper_.ready();
  parts_->engine->emit({events::Type::supervisor_state_change_running, {}});
  keep_programs();
  parts_->engine->start_automatic();
  return {};
}

Result<> Daemon::take_over(const engine::SessionRecord& session, keeper::Restored restored) {
  use_all_descriptors();
  std::map<std::uint32_t, Snapshot> snapshots;
  for (auto& [name, fd] : restored.held) {
    const auto generation = generation_of(name);
    if (!generation) continue;
    auto snapshot = read_snapshot(fd.get());
    if (!snapshot) return std::unexpected(snapshot.error());
    snapshots.emplace(*generation, std::move(*snapshot));
    parts_->snapshots.emplace(*generation, std::move(fd));
  }
  auto heritage = read_heritage(session, std::move(snapshots), host_, invocation_.overrides);
  if (!heritage) return std::unexpected(heritage.error());
  parts_->config = heritage->configurations.at(session.generation);
  inheritance_.generation = session.generation;
  if (auto done = open_log({}); !done) return done;
  parts_->log->end_torn_line();
  if (!parts_->pump.take_over(restored.held)) hold_output();
  make_engine();
  tell_of_take_over(session);
  parts_->pidfile = std::move(restored.held[pidfile_name]);
  if (!parts_->config.daemon.nodaemon) parts_->log->drop_stdout();
  parts_->engine->restore(session, std::move(heritage->groups), std::move(restored.children), restored.held);
  parts_->pump.go_on();
  if (auto done = open_servers(restored.held); !done) return done;
  keeper_.serving();
  keep_programs();
  if (!session.successor.empty()) parts_->engine->save_session();
  if (parts_->engine->mood() != engine::Mood::running) end(parts_->engine->mood());
  return {};
}

// The pidfile must be ours alone: then the programs in the file beside it are those of a daemon that has ended.
void Daemon::keep_programs() {
  const config::Daemon& daemon = parts_->config.daemon;
  if (owns_pidfile(daemon.pidfile, parts_->pidfile)) parts_->programs->open(daemon.pidfile);
  if (inheritance_.first) parts_->engine->meet(parts_->programs->survivors(), daemon.adopt);
  parts_->programs->write(parts_->engine->table());
}

void Daemon::tell_of_take_over(const engine::SessionRecord& session) {
  logs::MainLog& log = *parts_->log;
  const bool replaced = keeper_.replacement() == keeper::Replacement::done;
  if (session.successor.empty()) {
    log.write(Level::warn, "the manager process ended unexpectedly; its successor has taken over, no program was touched");
  } else if (session.successor == version) {
    log(Level::info, "upgraded from version {} to {}{}; no program was touched", session.version, version,
        replaced ? ", the keeper too" : "");
  } else {
    log(Level::error, "the upgrade from version {} to {} failed; version {} has taken over, no program was touched",
        session.version, session.successor, version);
  }
  if (keeper_.replacement() == keeper::Replacement::failed) {
    log(Level::error, "the keeper could not be replaced and goes on with version {}: {}", keeper_.keeper_version(),
        system_error("exec", {}, keeper_.replacement_error()).text);
  }
}

// ---- the loop

Ending Daemon::run() {
  parts_->engine_loop->begin();
  parts_->loop.run();
  // Let answers that are being written reach their clients; none of them may hold us up.
  parts_->servers.reset();
  parts_->loop.restart();
  parts_->loop.poll();
  return parts_->ending.value_or(Ending::exit);
}

void Daemon::on_signal(int signal) {
  logs::MainLog& log = *parts_->log;
  switch (signal) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
      log(Level::warn, "received {} indicating exit request", signal_name(signal));
      end(engine::Mood::shutdown);
      return;
    case SIGHUP:
      if (parts_->engine->mood() == engine::Mood::shutdown) {
        log(Level::warn, "ignored {} indicating restart request (shutdown in progress)", signal_name(signal));
        return;
      }
      log(Level::warn, "received {} indicating restart request", signal_name(signal));
      request_restart();
      return;
    case SIGUSR2:
      log(Level::info, "received {} indicating log reopen request", signal_name(signal));
      log(Level::info, "supervisord logreopen");
      if (const auto done = log.reopen(); !done) log(Level::error, "could not reopen the log: {}", done.error().text);
      parts_->engine->reopen_logs();
      return;
    default: log(Level::debug, "received {}, nothing to do", signal_name(signal)); return;
  }
}

void Daemon::end(engine::Mood mood) {
  parts_->engine->shut_down(mood, [this] {
    // Not from here: whoever asked is still on the stack.
    asio::post(parts_->loop, [this] {
      parts_->ending = parts_->engine->mood() == engine::Mood::restarting ? Ending::restart : Ending::exit;
      parts_->loop.stop();
    });
  });
  parts_->engine->save_session();
  parts_->engine_loop->after_input();
}

// ---- ops::Supervisor

int Daemon::pid() const { return keeper_.keeper_pid(); }
const std::string& Daemon::identification() const { return parts_->config.daemon.identifier; }
std::string Daemon::main_log_path() const { return parts_->log->path(); }
const config::Config& Daemon::config() const { return parts_->config; }
std::uint32_t Daemon::generation() const { return inheritance_.generation; }

Daemon::Inheritance Daemon::inheritance() const {
  return {.first = false, .generation = inheritance_.generation, .event_serial = parts_->engine->event_serial()};
}

Result<> Daemon::clear_main_log() { return parts_->log->clear(); }

void Daemon::request_shutdown() {
  asio::post(parts_->loop, [this] { end(engine::Mood::shutdown); });
}

void Daemon::request_restart() {
  // A file that cannot be read must not cost the programs that run: look before stopping anything.
  const auto loaded = config::load(parts_->config.path, host_, invocation_.overrides);
  if (!loaded) {
    (*parts_->log)(Level::critical, "restart refused, everything keeps running: {}", told_to_others(loaded.error().front()));
    return;
  }
  asio::post(parts_->loop, [this] { end(engine::Mood::restarting); });
}

// ---- an upgrade

namespace {

// How long calls that wait for something may take after consent was given.
constexpr Duration leave_in = std::chrono::seconds(3);
constexpr Duration look_again = std::chrono::milliseconds(20);

}  // namespace

void Daemon::upgrade(bool keeper_too, std::move_only_function<void(Result<std::string>)> done) {
  if (parts_->asking || parts_->consent) return done(fail("an upgrade is under way"));
  parts_->asking = std::make_shared<int>();
  ask_for_consent(
      parts_->loop, parts_->asking, keeper_, {keeper_too, invocation_.argv0, invocation_.arguments},
      [this]() -> const std::map<std::uint32_t, UniqueFd>& { return parts_->snapshots; },
      [this, done = std::move(done)](Result<Consent> consent) mutable {
        parts_->asking.reset();
        if (consent && parts_->engine->mood() != engine::Mood::running) consent = fail("the daemon is shutting down");
        if (!consent) {
          (*parts_->log)(Level::error, "no upgrade: {}", consent.error().text);
          return done(std::unexpected(consent.error()));
        }
        (*parts_->log)(Level::info, "leaving for an upgrade from version {} to {}", version, consent->version);
        prepare_to_leave(*consent);
        done(consent->version);
      });
}

// Whoever calls from now on is answered by the successor. Who has called already is answered first, for some time.
void Daemon::prepare_to_leave(const Consent& consent) {
  parts_->consent = consent;
  parts_->leave_by = parts_->clock.now().mono + leave_in;
  parts_->servers->park();
  leave_when_quiet();
}

void Daemon::leave_when_quiet() {
  parts_->leaving.expires_after(look_again);
  parts_->leaving.async_wait([this](const boost::system::error_code& error) {
    if (error || parts_->ending) return;
    const bool quiet = parts_->servers->parked() && parts_->inputs.idle();
    if (quiet || parts_->clock.now().mono >= parts_->leave_by) leave();
    leave_when_quiet();
  });
}

// As if killed, since all that matters is with the keeper. But what is on its way to the logs only a successor of our
// kind could use, so it is brought there if no disk stalls, and what came of it is dealt with.
void Daemon::leave() {
  constexpr Duration patience = std::chrono::seconds(1);
  if (!parts_->pump.leave(patience)) parts_->log->write(Level::warn, "a log cannot be written, leaving all the same");
  parts_->engine_loop->take_reports();
  engine::SessionRecord session = parts_->engine->session();
  session.successor = parts_->consent->version;
  keeper_.put(engine::session_id, write_record(session));
  keeper_.hand_over(parts_->consent->keeper_too);
  _exit(0);
}

Result<config::Changes> Daemon::reread() {
  auto loaded = load_and_record(parts_->config.path, host_, invocation_.overrides);
  if (!loaded) {
    (*parts_->log)(Level::error, "the configuration was not read again: {}", told_to_others(loaded.error().front()));
    return fail(told_to_others(loaded.error().front()));
  }
  for (const config::Notice& notice : loaded->config.notices) parts_->log->write(notice.level, notice.text);
  adopt_configuration(std::move(loaded->config), std::move(loaded->snapshot));
  release_unused_snapshots();
  parts_->engine->save_session();
  std::vector<const config::Group*> running;
  for (const engine::GroupEntry* group : parts_->engine->table().by_arrival()) running.push_back(group->config.get());
  return config::diff(running, parts_->config.groups);
}

void Daemon::release_unused_snapshots() {
  std::set<std::uint32_t> used{inheritance_.generation};
  for (const auto& [name, group] : parts_->engine->table().by_name()) used.insert(group->generation);
  std::erase_if(parts_->snapshots, [&](const auto& snapshot) {
    if (used.contains(snapshot.first)) return false;
    keeper_.release(snapshot_name(snapshot.first));
    return true;
  });
}

ops::Supervisor::Added Daemon::add_group(const std::string& name) {
  for (const auto& group : parts_->config.groups) {
    if (group->name != name) continue;
    const bool added = parts_->engine->add_group(group, inheritance_.generation);
    if (!added) return Added::already;
    parts_->engine->start_automatic(name);
    save_session_soon();
    return Added::added;
  }
  return Added::unknown;
}

ops::Supervisor::Removed Daemon::remove_group(const std::string& name) {
  if (parts_->engine->table().group(name) == nullptr) return Removed::unknown;
  if (!parts_->engine->remove_group(name)) return Removed::still_running;
  save_session_soon();
  return Removed::removed;
}

// Once for all groups that come and go in one turn of the loop: the record grows with their number.
void Daemon::save_session_soon() {
  if (std::exchange(parts_->save_pending, true)) return;
  asio::post(parts_->loop, [this] {
    parts_->save_pending = false;
    release_unused_snapshots();
    parts_->engine->save_session();
    parts_->programs->write(parts_->engine->table());
    parts_->engine_loop->after_input();
  });
}

}  // namespace sup::daemon
