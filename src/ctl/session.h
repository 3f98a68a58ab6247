// What the commands of one run of supervisorctl share: the daemon, the terminal, the exit status to be.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "ctl/failure.h"
#include "ctl/remote.h"
#include "ctl/terminal.h"

namespace sup::ctl {

// The exit statuses scripts know, those of init scripts.
namespace exit_status {
inline constexpr int generic = 1;
inline constexpr int invalid_arguments = 2;
inline constexpr int unimplemented_feature = 3;
inline constexpr int insufficient_privileges = 4;
inline constexpr int not_installed = 5;
inline constexpr int not_running = 7;
inline constexpr int status_not_running = 3;  // of the command `status`
inline constexpr int status_unknown = 4;
}  // namespace exit_status

class Session {
 public:
  // `remote` and `terminal` must outlive the session.
  Session(Remote& remote, Terminal& terminal, Server server, bool interactive);

  // One line on standard output.
  void say(std::string_view line);
  [[nodiscard]] Terminal& terminal() { return terminal_; }
  // Asks the person; the end of input is a failure (Python's EOFError).
  [[nodiscard]] Tried<std::string> ask(const std::string& question);
  [[nodiscard]] Tried<std::string> ask_secretly(const std::string& question);

  // Calls `supervisor.METHOD`.
  [[nodiscard]] Tried<api::Value> call(std::string_view method, std::vector<api::Value> params = {});
  [[nodiscard]] Remote& remote() { return remote_; }

  // Is there a daemon that speaks our language? If not, that has been said and the exit status set.
  [[nodiscard]] Tried<bool> daemon_answers();

  [[nodiscard]] const Server& server() const { return server_; }
  void use(Server server);
  void reconnect() { remote_.use(server_); }

  [[nodiscard]] bool interactive() const { return interactive_; }
  [[nodiscard]] int status() const { return status_; }
  void set_status(int status) { status_ = status; }
  // From the result of one process: 7 for one that is dead, 1 for other failures; `fine` is not a failure here.
  void set_status_from(int fault, std::optional<api::FaultCode> fine = {});

  // Ends the shell after this command.
  void leave() { leaving_ = true; }
  [[nodiscard]] bool leaving() const { return leaving_; }

 private:
  Remote& remote_;
  Terminal& terminal_;
  Server server_;
  bool interactive_;
  bool leaving_ = false;
  int status_ = 0;
};

// Members of the structs that the daemon answers with; "" and 0 for what is missing or of another type.
[[nodiscard]] std::string_view text_of(const api::Value& structure, std::string_view member);
[[nodiscard]] std::int64_t number_of(const api::Value& structure, std::string_view member);
[[nodiscard]] bool truth_of(const api::Value& structure, std::string_view member);
// A value as Python's str() shows it, for strings and numbers.
[[nodiscard]] std::string shown(const api::Value& value);
// The elements of an array; none for anything else.
[[nodiscard]] const api::Array& elements(const api::Value& value);

}  // namespace sup::ctl
