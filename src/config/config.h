// The typed configuration: what a supervisord.conf says, after grammar, expansion and validation.
//
// Values only: nothing here reads a file or asks the system. load.h makes it from text, diff.h compares two of them.
// Section and option names and their defaults are Supervisor's (docs/configuration.md).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"

namespace sup::config {

// Where an option or section stands. `file` outlives the Config that refers to it (it is shared).
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0;  // from 1; 0: not from a file
};

using Environment = std::vector<std::pair<std::string, std::string>>;  // in the order written, names unique

enum class Restart : std::uint8_t { never, unexpected, always };

// Where a child's output channel goes.
struct LogTarget {
  enum class Kind : std::uint8_t { none, automatic, file };
  Kind kind = Kind::automatic;
  std::string path;  // for Kind::file
  long long max_bytes = 50LL * 1024 * 1024;
  long long backups = 10;
  long long capture_max_bytes = 0;
  bool events = false;  // emit PROCESS_LOG_* events
  bool syslog = false;
  bool operator==(const LogTarget&) const = default;
};

struct User {
  std::string name;  // as written in the file
  std::uint32_t uid = 0;
  bool operator==(const User&) const = default;
};

struct Owner {
  std::int64_t uid = -1;  // -1: leave as it is, as chown(2) has it
  std::int64_t gid = -1;
  bool operator==(const Owner&) const = default;
};

// Options of a program section that Supervisor reads once for all its processes.
struct ProgramOptions {
  long long priority = 999;
  bool autostart = true;
  Restart autorestart = Restart::unexpected;
  long long startsecs = 1;
  long long startretries = 3;
  std::vector<int> exitcodes{0};
  int stopsignal = 15;
  long long stopwaitsecs = 10;
  bool stopasgroup = false;
  bool killasgroup = false;
  bool redirect_stderr = false;
  std::optional<User> user;
  std::optional<std::uint32_t> umask;
  std::optional<std::string> serverurl;  // nullopt: computed by the daemon (AUTO or absent)
  bool operator==(const ProgramOptions&) const = default;
};

// Options that may differ between the numprocs copies because they can use %(process_num)s.
struct InstanceOptions {
  std::string command;
  std::optional<std::string> directory;
  Environment environment;  // [supervisord] environment merged with the program's own, the latter winning
  LogTarget out;
  LogTarget err;
  bool operator==(const InstanceOptions&) const = default;
};

// One process to be. Copies of one program share their options as far as these are equal.
struct Process {
  std::string name;
  std::shared_ptr<const ProgramOptions> program;
  std::shared_ptr<const InstanceOptions> instance;
  Place place;  // of the section
};

// [eventlistener:x]
struct Pool {
  long long buffer_size = 10;
  std::vector<std::string> events;  // upper case, each a known event type
  bool length_in_bytes = false;     // `len` of a header counts bytes; not in Supervisor
  long long retry_delay = 0;        // seconds until a rejected event is sent again; not in Supervisor
  bool operator==(const Pool&) const = default;
};

// [fcgi-program:x]: the listening socket its processes share as descriptor 0.
struct FcgiSocket {
  std::string url;  // unix:///abs/path or tcp://host:port, as Supervisor shows it
  bool is_unix = false;
  std::string path;  // unix
  std::string host;  // tcp
  std::uint16_t port = 0;
  std::optional<std::uint32_t> mode;  // unix only; nullopt: 0700
  std::optional<Owner> owner;
  int backlog = 0;  // 0: the system's maximum
  bool operator==(const FcgiSocket&) const = default;
};

// What `update`, `add` and `remove` work on: a [group:x], or the group that a program, listener or FastCGI section
// makes of itself.
struct Group {
  std::string name;
  long long priority = 999;
  std::vector<Process> processes;  // sorted by (priority, name) except that a [group:] keeps its `programs=` order
  std::optional<Pool> pool;        // an event listener pool
  // Index into `processes` -> the FastCGI socket of that process; empty for groups without one.
  std::vector<std::optional<FcgiSocket>> sockets;
  Place place;
};

struct Credentials {
  std::string username;  // empty: no authentication
  std::string password;  // plain, or {SHA} and 40 hexadecimal digits
  bool operator==(const Credentials&) const = default;
};

// What clients of one socket may take.
struct ServerLimits {
  long long header_maxbytes = 64LL * 1024;
  long long body_maxbytes = 16LL * 1024 * 1024;
  long long body_maxdepth = 100;
  long long pipeline_maxbytes = 256LL * 1024;
  long long memory_maxbytes = 256LL * 1024 * 1024;
  long long max_connections = 4096;
  long long idle_timeout = 1800;  // seconds
  long long request_timeout = 60;
  long long reply_timeout = 60;
  bool operator==(const ServerLimits&) const = default;
};

struct UnixServer {
  std::string section;  // as written, "unix_http_server" or "unix_http_server:x"
  std::string path;     // absolute
  std::uint32_t mode = 0700;
  Owner owner;
  Credentials credentials;
  ServerLimits limits;
  Place place;
};

struct InetServer {
  std::string section;
  std::string host;  // empty: all interfaces
  std::uint16_t port = 0;
  Credentials credentials;
  ServerLimits limits;
  std::optional<std::vector<std::string>> allowed_hosts;  // nullopt: any, but see docs/compatibility.md
  Place place;
};

struct RpcInterface {
  std::string section;  // "rpcinterface:supervisor"
  std::string name;     // "supervisor": the namespace of its methods
  Place place;
};

// [supervisord], command line already merged in.
struct Daemon {
  long long minfds = 1024;
  long long minprocs = 200;
  std::optional<std::string> directory;
  std::optional<User> user;
  std::uint32_t umask = 022;
  std::string logfile = "supervisord.log";  // absolute; or exactly "syslog"
  long long logfile_maxbytes = 50LL * 1024 * 1024;
  long long logfile_backups = 10;
  Level loglevel = Level::info;
  std::string pidfile = "supervisord.pid";  // absolute
  std::string identifier = "supervisor";
  bool nodaemon = false;
  bool silent = false;
  bool nocleanup = false;
  bool strip_ansi = false;
  bool adopt = false;       // programs that an earlier daemon left behind; an option of our own
  std::string childlogdir;  // existing directory
  Environment environment;
};

// Something that the file asks for in an outdated or suspicious way; logged at start at the given level.
struct Notice {
  Level level = Level::warn;
  std::string text;
};

struct Config {
  std::string path;  // absolute, of the main file
  std::string here;  // its directory
  Daemon daemon;
  std::vector<std::shared_ptr<const Group>> groups;  // sorted by (priority, name); none is null
  std::vector<UnixServer> unix_servers;
  std::vector<InetServer> inet_servers;
  std::vector<RpcInterface> rpc_interfaces;
  std::vector<Notice> notices;  // in the order they are to be logged
};

// [supervisorctl], command line not merged.
struct Ctl {
  std::string serverurl = "http://localhost:9001";
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::string prompt = "supervisor";
  std::optional<std::string> history_file;
};

// A problem with the configuration. `message` is Supervisor's text, on which clients match; the rest helps people.
struct Problem {
  std::string message;
  Place place;
  std::string hint;  // may be empty: what was expected, or "did you mean ..."
  std::string discreet = {};  // the message without what may be a secret; empty: there is no such thing in it
};

// What of it may stand in a log or be told to clients.
[[nodiscard]] inline const std::string& told_to_others(const Problem& problem) {
  return problem.discreet.empty() ? problem.message : problem.discreet;
}

}  // namespace sup::config
