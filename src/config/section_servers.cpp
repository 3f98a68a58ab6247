#include <fmt/format.h>

#include "base/strings.h"
#include "config/paths.h"
#include "config/reader.h"
#include "config/sections.h"

namespace sup::config {
namespace {

consteval OptionRow server_option(std::string_view name) {
  return row(tables::http_server, name);
}
consteval OptionRow unix_option(std::string_view name) {
  return row(tables::unix_http_server, name);
}
consteval OptionRow inet_option(std::string_view name) {
  return row(tables::inet_http_server, name);
}

constexpr OptionRow factory_row = row(tables::rpcinterface, "supervisor.rpcinterface_factory");
constexpr std::string_view main_factory = "supervisor.rpcinterface:make_main_rpcinterface";

void read_credentials(Reader& reader, const Scope& names, Credentials& credentials) {
  constexpr auto username = server_option("username");
  constexpr auto password = server_option("password");
  if ((reader.raw(username) == nullptr) != (reader.raw(password) == nullptr)) {
    reader.fail_section(
        fmt::format("Section [{}] contains incomplete authentication: If a username or a password is specified, both "
                    "the username and password must be specified",
                    reader.section().name()));
  }
  if (auto text = reader.text(username, names)) credentials.username = std::move(*text);
  if (auto text = reader.text(password, names)) credentials.password = std::move(*text);
}

using Conversion = Parsed<long long> (*)(std::string_view);

// A number from 1 to `most`.
void read_limit(Reader& reader, const Scope& names, const OptionRow& row, Conversion convert, long long most,
                long long& limit) {
  long long value = limit;
  if (!reader.read(row, names, value, convert)) return;
  if (value >= 1 && value <= most) {
    limit = value;
  } else {
    reader.fail(row, fmt::format("invalid value for {}: {}", row.name, value), fmt::format("expected 1 to {}", most));
  }
}

void read_limits(Reader& reader, const Scope& names, ServerLimits& limits) {
  constexpr long long gigabyte = 1LL << 30, year = 366LL * 24 * 3600;
  const auto bytes = [&](const OptionRow& row, long long& limit) {
    read_limit(reader, names, row, to_bytes, gigabyte, limit);
  };
  const auto number = [&](const OptionRow& row, long long most, long long& limit) {
    read_limit(reader, names, row, to_integer, most, limit);
  };
  bytes(server_option("header_maxbytes"), limits.header_maxbytes);
  bytes(server_option("body_maxbytes"), limits.body_maxbytes);
  number(server_option("body_maxdepth"), 1000, limits.body_maxdepth);
  bytes(server_option("pipeline_maxbytes"), limits.pipeline_maxbytes);
  bytes(server_option("memory_maxbytes"), limits.memory_maxbytes);
  number(server_option("max_connections"), 1'000'000, limits.max_connections);
  number(server_option("idle_timeout"), year, limits.idle_timeout);
  number(server_option("request_timeout"), year, limits.request_timeout);
  number(server_option("reply_timeout"), year, limits.reply_timeout);
}

void read_unix_file(Building& building, Reader& reader, UnixServer& server) {
  constexpr auto file = unix_option("file");
  Scope names(&building.environment);
  names.set("here", building.here);
  if (reader.raw(file) == nullptr) {
    reader.fail_section(fmt::format("section [{}] has no file value", server.section));
  } else if (const auto text = reader.text(file, names)) {
    server.path = normalize_path(trim(*text), building.host);
  }
}

UnixServer read_unix_server(Building& building, const IniSection& section) {
  const Scope& names = building.environment;
  Reader reader(building.document, section, building.problems);
  UnixServer server;
  server.section = section.name();
  server.place = section.place();
  read_unix_file(building, reader, server);
  read_credentials(reader, names, server.credentials);
  if (const auto text = reader.text(unix_option("chown"), names)) {
    if (const auto owner = to_owner(*text, building.host)) {
      server.owner = *owner;
    } else {
      reader.fail(unix_option("chown"), fmt::format("Invalid sockchown value {}", *text), owner.error().message);
    }
  }
  if (const auto text = reader.text(unix_option("chmod"), names)) {
    if (const auto mode = to_octal(*text)) {
      server.mode = *mode;
    } else {
      reader.fail(unix_option("chmod"), fmt::format("Invalid chmod value {}", *text), mode.error().hint);
    }
  }
  read_limits(reader, names, server.limits);
  return server;
}

InetServer read_inet_server(Building& building, const IniSection& section) {
  const Scope& names = building.environment;
  Reader reader(building.document, section, building.problems);
  InetServer server;
  server.section = section.name();
  server.place = section.place();
  read_credentials(reader, names, server.credentials);
  InetAddress address;
  if (reader.raw(inet_option("port")) == nullptr) {
    reader.fail_section(fmt::format("section [{}] has no port value", section.name()));
  } else if (reader.read(inet_option("port"), names, address, to_inet_address)) {
    server.host = std::move(address.host);
    server.port = address.port;
  }
  read_limits(reader, names, server.limits);
  if (const auto text = reader.text(inet_option("allowed_hosts"), names)) server.allowed_hosts = to_list(*text);
  return server;
}

// Keyword arguments of a plug-in are of no use to us, but they have to be well-formed.
void check_arguments(Building& building, Reader& reader, const IniSection& section) {
  for (const auto* options : {&section.options(), &building.document.defaults().options()}) {
    for (const auto& option : *options) {
      const OptionRow argument{option.name, {}, {}};
      if (option.name != factory_row.name) static_cast<void>(reader.text(argument, building.environment));
    }
  }
}

}  // namespace

std::vector<UnixServer> read_unix_servers(Building& building) {
  std::vector<UnixServer> servers;
  for (const auto& section : building.document.sections())
    if (section.name().starts_with("unix_http_server")) servers.push_back(read_unix_server(building, section));
  return servers;
}

std::vector<InetServer> read_inet_servers(Building& building) {
  std::vector<InetServer> servers;
  for (const auto& section : building.document.sections())
    if (section.name().starts_with("inet_http_server")) servers.push_back(read_inet_server(building, section));
  return servers;
}

std::vector<RpcInterface> read_rpc_interfaces(Building& building) {
  std::vector<RpcInterface> interfaces;
  for (const auto& section : building.document.sections()) {
    if (!section.name().starts_with("rpcinterface:")) continue;
    Reader reader(building.document, section, building.problems);
    if (reader.raw(factory_row) == nullptr) {
      reader.fail_section(fmt::format("section [{}] does not specify a {}", section.name(), factory_row.name));
    } else if (const auto spec = reader.text(factory_row, building.environment); spec && trim(*spec) != main_factory) {
      reader.fail(factory_row, unresolved(*spec, section.name(), main_factory));
    }
    check_arguments(building, reader, section);
    interfaces.push_back({section.name(), std::string(name_of(section)), section.place()});
  }
  return interfaces;
}

}  // namespace sup::config
