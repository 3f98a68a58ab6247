#include "ctl/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace sup::ctl {
namespace {

constexpr std::string_view api_version = "3.0";

constexpr std::string_view no_namespace =
    "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to "
    "control it.  Please check that the [rpcinterface:supervisor] section is enabled in the configuration file (see "
    "sample.conf).";

Tried<std::string> typed(std::optional<std::string> line) {
  if (!line) return failed("EOFError", "EOF when reading a line");
  return std::move(*line);
}

}  // namespace

Session::Session(Remote& remote, Terminal& terminal, Server server, bool interactive)
    : remote_(remote), terminal_(terminal), server_(std::move(server)), interactive_(interactive) {
  remote_.use(server_);
}

void Session::say(std::string_view line) {
  terminal_.write(line);
  terminal_.write("\n");
}

Tried<std::string> Session::ask(const std::string& question) {
  terminal_.flush();
  return typed(terminal_.ask(question));
}

Tried<std::string> Session::ask_secretly(const std::string& question) {
  terminal_.flush();
  return typed(terminal_.ask_secretly(question));
}

Tried<api::Value> Session::call(std::string_view method, std::vector<api::Value> params) {
  terminal_.flush();  // a call may take long: what was said so far must be seen
  return remote_.call(fmt::format("supervisor.{}", method), std::move(params));
}

Tried<bool> Session::daemon_answers() {
  const auto version = call("getVersion");
  if (version) {
    if (shown(*version) == api_version) return true;
    say(
        fmt::format("Sorry, this version of supervisorctl expects to talk to a server with API version {}, but the "
                    "remote version is {}.",
                    api_version, shown(*version)));
    set_status(exit_status::not_installed);
    return false;
  }
  const Failure& failure = version.error();
  if (failure.is(api::FaultCode::unknown_method)) {
    say(no_namespace);
    set_status(exit_status::unimplemented_feature);
    return false;
  }
  if (failure.is_errno(ECONNREFUSED)) {
    say(fmt::format("{} refused connection", server_.url));
    set_status(exit_status::insufficient_privileges);
    return false;
  }
  if (failure.is_errno(ENOENT)) {
    say(fmt::format("{} no such file", server_.url));
    set_status(exit_status::not_running);
    return false;
  }
  return std::unexpected(failure);
}

void Session::use(Server server) {
  server_ = std::move(server);
  remote_.use(server_);
}

void Session::set_status_from(int fault, std::optional<api::FaultCode> fine) {
  const auto code = static_cast<api::FaultCode>(fault);
  if (code == api::FaultCode::success || code == fine) return;
  const bool dead = code == api::FaultCode::spawn_error || code == api::FaultCode::abnormal_termination ||
                    code == api::FaultCode::not_running;
  set_status(dead ? exit_status::not_running : exit_status::generic);
}

std::string_view text_of(const api::Value& structure, std::string_view member) {
  const api::Value* value = structure.find(member);
  const std::string* text = value ? value->string() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

std::int64_t number_of(const api::Value& structure, std::string_view member) {
  const api::Value* value = structure.find(member);
  const std::int64_t* number = value ? value->integer() : nullptr;
  return number ? *number : 0;
}

bool truth_of(const api::Value& structure, std::string_view member) {
  const api::Value* value = structure.find(member);
  if (!value) return false;
  if (const bool* truth = value->boolean()) return *truth;
  return number_of(structure, member) != 0;
}

std::string shown(const api::Value& value) {
  if (const std::string* text = value.string()) return *text;
  if (const std::int64_t* number = value.integer()) return fmt::format("{}", *number);
  if (const bool* truth = value.boolean()) return *truth ? "True" : "False";
  if (const double* number = value.real()) return fmt::format("{}", *number);
  return "";
}

const api::Array& elements(const api::Value& value) {
  static const api::Array none;
  const api::Array* array = value.array();
  return array ? *array : none;
}

}  // namespace sup::ctl
