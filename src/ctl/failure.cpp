#include "ctl/failure.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace sup::ctl {
namespace {

std::string_view os_error_class(int code) {
  switch (code) {
    case ECONNREFUSED:
      return "ConnectionRefusedError";
    case ECONNRESET:
      return "ConnectionResetError";
    case ECONNABORTED:
      return "ConnectionAbortedError";
    case EPIPE:
      return "BrokenPipeError";
    case ENOENT:
      return "FileNotFoundError";
    case ENOTDIR:
      return "NotADirectoryError";
    case EISDIR:
      return "IsADirectoryError";
    case EACCES:
    case EPERM:
      return "PermissionError";
    case ETIMEDOUT:
      return "TimeoutError";
    case EAGAIN:
      return "BlockingIOError";
    case EINTR:
      return "InterruptedError";
    default:
      return "OSError";
  }
}

}  // namespace

std::unexpected<Failure> refused(const api::Fault& fault) {
  return std::unexpected(Failure{Failure::Kind::fault, static_cast<int>(fault.code), fault.text, {}});
}

std::unexpected<Failure> bad_status(int status, std::string reason) {
  return std::unexpected(Failure{Failure::Kind::status, status, std::move(reason), {}});
}

std::unexpected<Failure> system_failure(int code) {
  return std::unexpected(Failure{Failure::Kind::system, code, {}, {}});
}

std::unexpected<Failure> failed(std::string type, std::string text) {
  return std::unexpected(Failure{Failure::Kind::other, 0, std::move(text), std::move(type)});
}

std::string failure_class(const Failure& failure) {
  switch (failure.kind) {
    case Failure::Kind::fault:
      return "<class 'xmlrpc.client.Fault'>";
    case Failure::Kind::status:
      return "<class 'xmlrpc.client.ProtocolError'>";
    case Failure::Kind::system:
      return fmt::format("<class '{}'>", os_error_class(failure.code));
    case Failure::Kind::other:
      break;
  }
  return fmt::format("<class '{}'>", failure.type);
}

std::string failure_message(const Failure& failure) {
  switch (failure.kind) {
    case Failure::Kind::fault:
      return fmt::format("<Fault {}: {}>", failure.code, python_repr(failure.text));
    case Failure::Kind::status:
      return fmt::format("<ProtocolError for 127.0.0.1/RPC2: {} {}>", failure.code, failure.text);
    case Failure::Kind::system:
      return fmt::format("[Errno {}] {}", failure.code, ::strerror(failure.code));
    case Failure::Kind::other:
      break;
  }
  return failure.text;
}

std::string describe(const Failure& failure) {
  return fmt::format("error: {}, {}: file: supervisorctl line: 1", failure_class(failure), failure_message(failure));
}

}  // namespace sup::ctl
