// Every section and option the file may have: one table for the loader, for the search for misspelt names and for the
// sample file.
//
// The loader can only ask for options that stand here: row() is evaluated by the compiler and fails on other names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sup::config {

enum class SectionKind : std::uint8_t {
  supervisord,
  unix_http_server,
  inet_http_server,
  supervisorctl,
  include,
  program,
  eventlistener,
  fcgi_program,
  group,
  rpcinterface,
  ctlplugin,
};

struct OptionRow {
  std::string_view name;
  std::string_view value;  // the default where there is one, else an example; for the sample file
  std::string_view help;   // a few words, no full stop
};

struct SectionInfo {
  SectionKind kind;
  std::string_view name;    // "supervisord", or the part before the colon, "program"
  bool named = false;       // written "name:x"
  bool open_ended = false;  // takes options that are not listed, for the plug-in that it names
};

namespace tables {

inline constexpr std::array supervisord = std::to_array<OptionRow>({
    {"minfds", "1024", "file descriptors that must be available at start"},
    {"minprocs", "200", "processes that must be available at start"},
    {"directory", "/tmp", "where to change to when daemonizing"},
    {"user", "nobody", "account to switch to at start"},
    {"umask", "022", "file creation mask when daemonizing"},
    {"logfile", "supervisord.log", "main log file, or syslog"},
    {"logfile_maxbytes", "50MB", "size at which the main log rotates; 0 for never"},
    {"logfile_backups", "10", "rotated main logs to keep"},
    {"loglevel", "info", "critical, error, warn, info, debug, trace or blather"},
    {"pidfile", "supervisord.pid", "file for the process id"},
    {"identifier", "supervisor", "name of this instance"},
    {"nodaemon", "false", "stay in the foreground"},
    {"silent", "false", "no log on standard output"},
    {"childlogdir", "/tmp", "directory of automatic child logs"},
    {"nocleanup", "false", "keep old automatic child logs at start"},
    {"strip_ansi", "false", "remove escape sequences from child logs"},
    {"adopt", "false", "take over programs that outlived a supervisord that was killed"},
    {"environment", "KEY=\"value\"", "variables for all programs"},
});

inline constexpr std::array http_server = std::to_array<OptionRow>({
    {"username", "user", "name that clients must give"},
    {"password", "123", "password that clients must give, or {SHA} and its SHA-1 in hexadecimal"},
    {"header_maxbytes", "64KB", "longest header of a request"},
    {"body_maxbytes", "16MB", "longest body of a request"},
    {"body_maxdepth", "100", "elements in elements of an XML-RPC request"},
    {"pipeline_maxbytes", "256KB", "replies not yet taken at which no further request of a connection is read"},
    {"memory_maxbytes", "256MB", "requests and replies of all clients together"},
    {"max_connections", "4096", "clients at a time"},
    {"idle_timeout", "1800", "seconds until a connection without a request is closed"},
    {"request_timeout", "60", "seconds a request may take to arrive"},
    {"reply_timeout", "60", "seconds a client may take nothing of its reply"},
});

// On top of those of http_server.
inline constexpr std::array unix_http_server = std::to_array<OptionRow>({
    {"file", "/run/supervisor.sock", "path of the socket"},
    {"chmod", "0700", "mode of the socket file"},
    {"chown", "nobody:nogroup", "owner of the socket file, user or user:group"},
});

// On top of those of http_server.
inline constexpr std::array inet_http_server = std::to_array<OptionRow>({
    {"port", "127.0.0.1:9001", "host:port, or *:port for all interfaces"},
    {"allowed_hosts", "supervisor.example.com", "names in the Host header, besides addresses and localhost; * for any"},
});

inline constexpr std::array supervisorctl = std::to_array<OptionRow>({
    {"serverurl", "http://localhost:9001", "address of supervisord, http://host:port or unix:///path"},
    {"username", "chris", "same as in the section of the server"},
    {"password", "123", "same as in the section of the server"},
    {"prompt", "supervisor", "prompt of the command line"},
    {"history_file", "~/.sc_history", "file that keeps the command history"},
});

inline constexpr std::array include = std::to_array<OptionRow>({
    {"files", "relative/directory/*.ini", "patterns of files to read, separated by blanks"},
});

inline constexpr std::array program = std::to_array<OptionRow>({
    {"command", "/bin/cat", "the program and its arguments"},
    {"process_name", "%(program_name)s", "name of each process; needs %(process_num)d when numprocs > 1"},
    {"numprocs", "1", "number of processes"},
    {"numprocs_start", "0", "number of the first process"},
    {"directory", "/tmp", "where to change to before the program starts"},
    {"umask", "022", "file creation mask"},
    {"priority", "999", "place in the order of starting; stopping goes backwards"},
    {"autostart", "true", "start together with supervisord"},
    {"startsecs", "1", "seconds the program must stay up to count as running"},
    {"startretries", "3", "failed starts in a row before giving up"},
    {"autorestart", "unexpected", "when to restart a program that has run: true, false or unexpected"},
    {"exitcodes", "0", "exit codes that are expected, separated by commas"},
    {"stopsignal", "TERM", "signal that asks the program to stop"},
    {"stopwaitsecs", "10", "seconds until KILL follows"},
    {"stopasgroup", "false", "send the stop signal to the whole process group"},
    {"killasgroup", "false", "send KILL to the whole process group"},
    {"user", "nobody", "account to run as"},
    {"redirect_stderr", "false", "send standard error to standard output"},
    {"stdout_logfile", "AUTO", "log file, AUTO or NONE"},
    {"stdout_logfile_maxbytes", "50MB", "size at which the log rotates; 0 for never"},
    {"stdout_logfile_backups", "10", "rotated logs to keep"},
    {"stdout_capture_maxbytes", "0", "bytes of captured events; 0 for no capturing"},
    {"stdout_events_enabled", "false", "emit an event for all output"},
    {"stdout_syslog", "false", "send output to syslog too"},
    {"stderr_logfile", "AUTO", "log file, AUTO or NONE"},
    {"stderr_logfile_maxbytes", "50MB", "size at which the log rotates; 0 for never"},
    {"stderr_logfile_backups", "10", "rotated logs to keep"},
    {"stderr_capture_maxbytes", "0", "bytes of captured events; 0 for no capturing"},
    {"stderr_events_enabled", "false", "emit an event for all output"},
    {"stderr_syslog", "false", "send output to syslog too"},
    {"environment", "A=\"1\",B=\"2\"", "variables, on top of those of [supervisord]"},
    {"serverurl", "AUTO", "value of SUPERVISOR_SERVER_URL"},
});

// On top of those of program.
inline constexpr std::array eventlistener = std::to_array<OptionRow>({
    {"events", "EVENT", "event types to get, separated by commas"},
    {"buffer_size", "10", "events to keep while all listeners are busy"},
    {"length_in_bytes", "false", "count bytes instead of characters in len of a header"},
    {"retry_delay", "0", "seconds until a rejected event is sent again"},
    {"result_handler", "supervisor.dispatchers:default_handler", "what judges the answers; only the default exists"},
});

// On top of those of program.
inline constexpr std::array fcgi_program = std::to_array<OptionRow>({
    {"socket", "tcp://localhost:9002", "socket that the processes share, tcp://host:port or unix:///path"},
    {"socket_backlog", "4096", "connections that may wait; the system's maximum if absent"},
    {"socket_owner", "nobody:nogroup", "owner of a unix socket, user or user:group"},
    {"socket_mode", "0700", "mode of a unix socket"},
});

inline constexpr std::array group = std::to_array<OptionRow>({
    {"programs", "progname1,progname2", "the programs of the group"},
    {"priority", "999", "place in the order of starting"},
});

inline constexpr std::array rpcinterface = std::to_array<OptionRow>({
    {"supervisor.rpcinterface_factory", "supervisor.rpcinterface:make_main_rpcinterface", "what provides the methods"},
});

inline constexpr std::array ctlplugin = std::to_array<OptionRow>({
    {"supervisor.ctl_factory", "package.module:factory", "what provides the commands"},
});

}  // namespace tables

// The row of a name. A name that is not in the table does not compile.
template <std::size_t N>
consteval OptionRow row(const std::array<OptionRow, N>& table, std::string_view name) {
  for (const auto& candidate : table)
    if (candidate.name == name) return candidate;
  throw "no such option";
}

[[nodiscard]] std::span<const SectionInfo> known_sections();

// What a section of this name is, as Supervisor decides it: "program:x" by its prefix, the servers by the beginning of
// their name. nullptr for names that mean nothing.
[[nodiscard]] const SectionInfo* section_info(std::string_view section);

// All options that a section of this kind may have, in the order of the sample file.
[[nodiscard]] std::vector<OptionRow> options_of(SectionKind kind);

// Whether it is an event type that a listener can ask for, in upper case.
[[nodiscard]] bool is_event_name(std::string_view name);
[[nodiscard]] std::span<const std::string_view> event_names();

}  // namespace sup::config
