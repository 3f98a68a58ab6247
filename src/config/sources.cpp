#include "config/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "base/utf8.h"
#include "config/paths.h"
#include "config/reader.h"

namespace sup::config {
namespace {

constexpr OptionRow files_row = row(tables::include, "files");

// Python reads text, not bytes: what it says of the first byte that is not UTF-8, and where that stands.
std::optional<Problem> undecodable(std::string_view text, const std::shared_ptr<const std::string>& file) {
  std::size_t at = xml_safe_prefix(text);  // all of it, unless there is something odd
  while (at < text.size()) {
    const auto step = utf8_step(text.substr(at));
    if (!step.valid) break;
    at += step.length;
  }
  if (at == text.size()) return std::nullopt;
  const auto byte = static_cast<unsigned char>(text[at]);
  const bool starts = byte >= 0xC2 && byte <= 0xF4;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return Problem{fmt::format("'utf-8' codec can't decode byte 0x{:02x} in position {}: {}", byte, at,
                             starts ? "invalid continuation byte" : "invalid start byte"),
                 {file, static_cast<int>(line)},
                 "save the file as UTF-8"};
}

class Including {
 public:
  Including(Sources& sources, const Host& host) : sources_(sources), host_(host) {}

  void run(const std::vector<std::string_view>& patterns) {
    for (const auto pattern : patterns) {
      const std::string full = join_path(sources_.here, pattern);
      auto names = host_.glob(full);
      if (names.empty()) {
        sources_.notices.push_back({Level::warn, fmt::format("No file matches via include \"{}\"", full)});
      }
      std::sort(names.begin(), names.end());
      for (const auto& name : names)
        one(name);
    }
  }

 private:
  void one(const std::string& name) {
    sources_.notices.push_back({Level::info, fmt::format("Included extra file \"{}\" during parsing", name)});
    const auto text = host_.read_file(name);
    if (!text) {
      sources_.notices.push_back(
          {Level::warn, fmt::format("Included file \"{}\" could not be read: {}", name, text.error().text)});
      return;
    }
    const auto file = std::make_shared<const std::string>(name);
    if (auto problem = undecodable(*text, file)) {
      sources_.problems.push_back(std::move(*problem));
      return;
    }
    auto problems = sources_.document.parse(*text, file);
    std::move(problems.begin(), problems.end(), std::back_inserter(sources_.problems));
    sources_.document.replace_here(directory_of(absolute_path(name, host_)));
  }

  Sources& sources_;
  const Host& host_;
};

}  // namespace

Scope environment_scope(const Host& host) {
  Scope scope;
  for (const auto& [name, value] : host.environment())
    scope.set("ENV_" + name, value);
  return scope;
}

Sources read_main(const std::string& path, const Host& host, std::function<bool(std::string_view)> wanted) {
  Sources sources;
  sources.document.keep_only(std::move(wanted));
  const std::string full = absolute_path(path, host);
  sources.here = directory_of(full);
  const auto file = std::make_shared<const std::string>(path);
  const auto text = host.read_file(full);
  if (!text) {
    const bool missing = !host.exists(full);
    Place place{file, 0};
    Problem problem{fmt::format("could not {} config file {}", missing ? "find" : "read", path), std::move(place), {}};
    if (!missing) problem.hint = text.error().text;
    sources.problems.push_back(std::move(problem));
    return sources;
  }
  if (auto problem = undecodable(*text, file)) {
    sources.problems.push_back(std::move(*problem));
    return sources;
  }
  sources.problems = sources.document.parse(*text, file);
  sources.usable = sources.problems.empty() || !sources.document.sections().empty();
  return sources;
}

Sources read_sources(const std::string& path, const Host& host, const Scope& environment) {
  Sources sources = read_main(path, host);
  const auto* include = sources.document.find("include");
  if (!sources.usable || include == nullptr) return sources;
  sources.document.replace_here(sources.here);
  Scope scope(&environment);
  scope.set("here", sources.here);
  scope.set("host_node_name", host.host_name());
  Reader reader(sources.document, *include, sources.problems);
  if (reader.raw(files_row) == nullptr) {
    reader.fail_section(".ini file has [include] section, but no files setting");
  } else if (const auto files = reader.text(files_row, scope)) {
    Including(sources, host).run(split_words(*files));
  }
  return sources;
}

}  // namespace sup::config
