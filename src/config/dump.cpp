#include "config/dump.h"

#include <fmt/format.h>

#include <concepts>
#include <optional>

namespace sup::config {
namespace {

std::string json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}
std::string json(const std::string& text) {
  return json(std::string_view(text));
}
std::string json(const char* text) {
  return json(std::string_view(text));
}
std::string json(bool value) {
  return value ? "true" : "false";
}
template <std::integral Number>
std::string json(Number value) {
  return fmt::format("{}", value);
}
std::string json(const User& user) {
  return json(user.uid);
}
std::string json(const Owner& owner) {
  return fmt::format("[{}, {}]", owner.uid, owner.gid);
}
template <class Value>
std::string json(const std::optional<Value>& value) {
  return value ? json(*value) : "null";
}

template <class Items, class Show>
std::string array(const Items& items, Show show, std::string_view separator = ", ") {
  std::string out = "[";
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += separator;
    first = false;
    out += show(item);
  }
  return out + "]";
}
template <class Items>
std::string values(const Items& items) {
  return array(items, [](const auto& item) { return json(item); });
}

class Object {
 public:
  template <class Value>
  Object& add(std::string_view key, const Value& value) {
    return raw(key, json(value));
  }
  Object& raw(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{}: {}", text_.empty() ? "" : ", ", json(key), value);
    return *this;
  }
  [[nodiscard]] std::string done() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

constexpr std::string_view new_line = ",\n  ";

std::string environment(const Environment& variables) {
  Object object;
  for (const auto& [name, value] : variables)
    object.add(name, value);
  return object.done();
}

void add_log(Object& object, const std::string& channel, const LogTarget& log) {
  const bool automatic = log.kind == LogTarget::Kind::automatic;
  const bool none = log.kind == LogTarget::Kind::none;
  object.raw(channel + "_logfile", automatic ? json("AUTO")
                                   : none    ? "null"
                                             : json(log.path))
      .add(channel + "_logfile_maxbytes", log.max_bytes)
      .add(channel + "_logfile_backups", log.backups)
      .add(channel + "_capture_maxbytes", log.capture_max_bytes)
      .add(channel + "_events_enabled", log.events)
      .add(channel + "_syslog", log.syslog);
}

std::string_view restart(Restart value) {
  switch (value) {
    case Restart::never:
      return "false";
    case Restart::unexpected:
      return "\"unexpected\"";
    case Restart::always:
      return "true";
  }
  return "null";
}

std::string process(const Process& process) {
  const ProgramOptions& program = *process.program;
  const InstanceOptions& instance = *process.instance;
  Object object;
  object.add("name", process.name)
      .add("command", instance.command)
      .add("directory", instance.directory)
      .raw("environment", environment(instance.environment))
      .add("priority", program.priority)
      .add("autostart", program.autostart)
      .raw("autorestart", restart(program.autorestart))
      .add("startsecs", program.startsecs)
      .add("startretries", program.startretries)
      .raw("exitcodes", values(program.exitcodes))
      .add("stopsignal", program.stopsignal)
      .add("stopwaitsecs", program.stopwaitsecs)
      .add("stopasgroup", program.stopasgroup)
      .add("killasgroup", program.killasgroup)
      .add("redirect_stderr", program.redirect_stderr)
      .add("uid", program.user)
      .add("umask", program.umask)
      .add("serverurl", program.serverurl);
  add_log(object, "stdout", instance.out);
  add_log(object, "stderr", instance.err);
  return object.done();
}

std::string socket(const std::optional<FcgiSocket>& socket) {
  if (!socket) return "null";
  return Object()
      .add("url", socket->url)
      .add("mode", socket->mode)
      .add("owner", socket->owner)
      .add("backlog", socket->backlog)
      .done();
}

std::string group(const Group& group) {
  Object object;
  object.add("name", group.name).add("priority", group.priority);
  if (group.pool) object.add("buffer_size", group.pool->buffer_size).raw("pool_events", values(group.pool->events));
  if (group.pool && group.pool->length_in_bytes) object.add("length_in_bytes", true);
  if (group.pool && group.pool->retry_delay > 0) object.add("retry_delay", group.pool->retry_delay);
  if (!group.sockets.empty()) object.raw("sockets", array(group.sockets, socket));
  object.raw("process_configs", array(group.processes, process, new_line));
  return object.done();
}

std::string unix_server(const UnixServer& server) {
  return Object()
      .add("section", server.section)
      .add("file", server.path)
      .add("chmod", server.mode)
      .add("chown", server.owner)
      .add("username", server.credentials.username)
      .add("password", server.credentials.password)
      .done();
}

std::string inet_server(const InetServer& server) {
  return Object()
      .add("section", server.section)
      .add("host", server.host)
      .add("port", server.port)
      .add("username", server.credentials.username)
      .add("password", server.credentials.password)
      .done();
}

std::string daemon(const Daemon& daemon) {
  return Object()
      .add("minfds", daemon.minfds)
      .add("minprocs", daemon.minprocs)
      .add("directory", daemon.directory)
      .raw("user", daemon.user ? json(daemon.user->name) : "null")
      .add("umask", daemon.umask)
      .add("logfile", daemon.logfile)
      .add("logfile_maxbytes", daemon.logfile_maxbytes)
      .add("logfile_backups", daemon.logfile_backups)
      .add("loglevel", static_cast<int>(daemon.loglevel))
      .add("pidfile", daemon.pidfile)
      .add("identifier", daemon.identifier)
      .add("nodaemon", daemon.nodaemon)
      .add("silent", daemon.silent)
      .add("childlogdir", daemon.childlogdir)
      .add("nocleanup", daemon.nocleanup)
      .add("strip_ansi", daemon.strip_ansi)
      .raw("environment", environment(daemon.environment))
      .done();
}

std::string notices(const std::vector<Notice>& all, Level level) {
  std::vector<std::string> texts;
  for (const auto& notice : all)
    if (notice.level == level) texts.push_back(notice.text);
  return values(texts);
}

}  // namespace

std::string dump(const Config& config) {
  return Object()
             .raw("supervisord", daemon(config.daemon))
             .raw("groups", array(config.groups, [](const auto& each) { return group(*each); }, new_line))
             .raw("inet_servers", array(config.inet_servers, inet_server, new_line))
             .raw("unix_servers", array(config.unix_servers, unix_server, new_line))
             .raw("rpcinterfaces", array(config.rpc_interfaces, [](const RpcInterface& rpc) { return json(rpc.name); }))
             .raw("warnings", notices(config.notices, Level::warn))
             .raw("infos", notices(config.notices, Level::info))
             .done() +
         "\n";
}

std::string dump(const Ctl& ctl) {
  return Object()
             .add("serverurl", ctl.serverurl)
             .add("username", ctl.username)
             .add("password", ctl.password)
             .add("prompt", ctl.prompt)
             .add("history_file", ctl.history_file)
             .done() +
         "\n";
}

std::string dump(const std::vector<Problem>& problems) {
  const auto one = [](const Problem& problem) {
    return Object()
        .add("message", problem.message)
        .raw("file", problem.place.file != nullptr ? json(*problem.place.file) : "null")
        .add("line", problem.place.line)
        .add("hint", problem.hint)
        .done();
  };
  return Object().raw("problems", array(problems, one, new_line)).done() + "\n";
}

}  // namespace sup::config
