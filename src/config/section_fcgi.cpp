#include <fmt/format.h>

#include <optional>

#include "base/strings.h"
#include "config/paths.h"
#include "config/reader.h"
#include "config/sections.h"

namespace sup::config {
namespace {

consteval OptionRow option(std::string_view name) {
  return row(tables::fcgi_program, name);
}

struct SocketOptions {
  std::optional<User> user;  // of the program
  std::optional<Owner> owner;
  std::optional<std::uint32_t> mode;
  long long backlog = 0;
};

// What follows "tcp://": HOST:PORT with a host that has neither colons nor white space.
std::optional<Parsed<InetAddress>> tcp_address(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos || colon == 0) return std::nullopt;
  const auto name = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  for (const char c : name)
    if (is_space(c)) return std::nullopt;
  if (port.empty() || port.find_first_not_of("0123456789") != port.npos) return std::nullopt;
  const auto number = to_port(port);
  if (!number) return std::unexpected(number.error());
  return InetAddress{lower(name), *number};
}

Parsed<FcgiSocket> unix_socket(std::string_view path, const SocketOptions& options, const Host& host) {
  if (!path.starts_with('/')) {
    return std::unexpected(Problem{fmt::format("Unix socket path {} is not an absolute path", path), {}, {}});
  }
  FcgiSocket socket;
  socket.is_unix = true;
  socket.path = normalize_path(path, host);
  socket.url = "unix://" + socket.path;
  socket.mode = options.mode;
  socket.owner = options.owner;
  if (!socket.owner && options.user && options.user->uid != host.uid()) {
    const auto gid = host.primary_gid(options.user->uid);
    socket.owner = Owner{options.user->uid, gid ? std::int64_t{*gid} : -1};
  }
  socket.backlog = static_cast<int>(options.backlog);
  return socket;
}

Parsed<FcgiSocket> parse_socket(std::string_view text, const SocketOptions& options, const Host& host) {
  if (text.starts_with("unix://")) return unix_socket(text.substr(7), options, host);
  if (options.owner || options.mode) {
    return std::unexpected(
        Problem{"socket_owner and socket_mode params should only be used with a Unix domain socket", {}, {}});
  }
  if (text.starts_with("tcp://")) {
    if (const auto address = tcp_address(text.substr(6))) {
      if (!*address) return std::unexpected(address->error());
      FcgiSocket socket;
      socket.host = (*address)->host;
      socket.port = (*address)->port;
      socket.url = fmt::format("tcp://{}:{}", socket.host, socket.port);
      socket.backlog = static_cast<int>(options.backlog);
      return socket;
    }
  }
  return std::unexpected(
      Problem{fmt::format("Bad socket format {}", text), {}, "expected tcp://HOST:PORT or unix:///PATH"});
}

// Reads an option whose message does not tell the reason.
template <class Target, class Convert, class... More>
void read_or_say(Reader& reader, const OptionRow& row, const Scope& names, Target& target, Convert convert,
                 const More&... more) {
  const auto text = reader.text(row, names);
  if (!text) return;
  auto value = convert(*text, more...);
  if (value) {
    target = std::move(*value);
  } else {
    reader.fail(row, fmt::format("Invalid {} value {}", row.name, *text), value.error().message);
  }
}

void read_backlog(Reader& reader, const Scope& names, SocketOptions& options) {
  constexpr auto row = option("socket_backlog");
  if (!reader.read(row, names, options.backlog, to_integer)) return;
  if (options.backlog >= 1 && options.backlog <= 65535) return;
  reader.fail(row, fmt::format("Invalid socket_backlog value {}", options.backlog), "expected 1 to 65535");
}

}  // namespace

std::optional<FcgiSocket> read_fcgi_socket(Building& building, const IniSection& section, bool required) {
  const Host& host = building.host;
  Reader reader(building.document, section, building.problems);
  if (!required && reader.raw(option("socket")) == nullptr) return std::nullopt;
  Scope names(&building.environment);
  names.set("here", building.here);
  SocketOptions options;
  reader.read(row(tables::program, "user"), names, options.user,
              [&](std::string_view text) { return building.find_user(text); });
  read_backlog(reader, names, options);
  read_or_say(reader, option("socket_owner"), names, options.owner, to_owner, host);
  read_or_say(reader, option("socket_mode"), names, options.mode, to_octal);
  Scope socket_names(&names);
  socket_names.set("program_name", std::string(trim(name_of(section))));
  const auto text = reader.text(option("socket"), socket_names);
  if (reader.failed()) return std::nullopt;
  if (!text || text->empty()) {
    reader.fail_section(fmt::format("[{}] section requires a \"socket\" line", section.name()));
    return std::nullopt;
  }
  auto socket = parse_socket(*text, options, host);
  if (socket) return std::move(*socket);
  socket.error().message += fmt::format(" in [{}] socket", section.name());
  reader.fail(option("socket"), std::move(socket.error()));
  return std::nullopt;
}

}  // namespace sup::config
