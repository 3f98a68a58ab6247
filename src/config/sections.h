// The readers of the single kinds of sections, each in its own file. load.cpp calls them in Supervisor's order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/expand.h"
#include "config/ini.h"
#include "config/load.h"
#include "config/types.h"

namespace sup::config {

// What all of them read from and add to.
struct Building {
  const IniDocument& document;
  const Host& host;
  std::string main_file;  // as the user wrote it
  std::string here;
  std::string node;   // host_node_name
  Scope environment;  // ENV_ names; [supervisord] environment= adds to them
  Environment daemon_environment;
  std::vector<Problem> problems{};
  std::vector<Notice> notices{};
  std::unordered_set<std::string> noticed{};
  std::unordered_map<std::string, User> users{};  // found so far: a look-up reads a file or asks a server
  std::vector<std::shared_ptr<const ProgramOptions>> programs{};  // the last different ones

  // Adds a warning, once however many processes give cause for it.
  void warn(std::string text);
  // to_user() that remembers.
  [[nodiscard]] Parsed<User> find_user(std::string_view text);
  // The same options in memory that other sections use too: most sections of a file agree in them.
  [[nodiscard]] std::shared_ptr<const ProgramOptions> shared(const ProgramOptions& options);
};

// The part of a section's name behind the colon.
[[nodiscard]] std::string_view name_of(const IniSection& section);

// What Supervisor says of a reference to Python code that it cannot import; `only` is the one that is built in, if any.
[[nodiscard]] Problem unresolved(std::string_view spec, std::string_view section, std::string_view only);

// [supervisord] without what the command line says.
[[nodiscard]] Daemon read_daemon(Building& building, const IniSection& section);

// The processes of a program, eventlistener or fcgi-program section as members of `group`, sorted.
[[nodiscard]] std::vector<Process> read_processes(Building& building, const IniSection& section,
                                                  const std::string& group);
// The socket of an fcgi-program section. Without a socket= line: nullopt, and a problem if it is `required`.
[[nodiscard]] std::optional<FcgiSocket> read_fcgi_socket(Building& building, const IniSection& section, bool required);

// All groups, sorted, names unique.
[[nodiscard]] std::vector<Group> read_groups(Building& building);

[[nodiscard]] std::vector<RpcInterface> read_rpc_interfaces(Building& building);
[[nodiscard]] std::vector<InetServer> read_inet_servers(Building& building);
[[nodiscard]] std::vector<UnixServer> read_unix_servers(Building& building);

}  // namespace sup::config
