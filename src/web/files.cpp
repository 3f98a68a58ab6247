#include "web/files.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/strings.h"
#include "http/format.h"
#include "http/uri.h"
#include "web/form.h"
#include "web/origin.h"

namespace sup::web {
namespace {

// Without empty pieces, "." and "..", none of which leads out.
std::string normalise(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view piece : split(path, '/')) {
    if (piece == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!piece.empty() && piece != ".") {
      kept.push_back(piece);
    }
  }
  std::string out;
  for (const std::string_view piece : kept) out.append(out.empty() ? "" : "/").append(piece);
  return out;
}

bool is_folder(std::string_view path) {
  return path.empty() || std::ranges::any_of(classic_files, [path](const File& file) {
           return file.path.size() > path.size() && file.path.starts_with(path) && file.path[path.size()] == '/';
         });
}

std::string_view content_type(std::string_view path) {
  if (path.ends_with(".html")) return "text/html";
  if (path.ends_with(".css")) return "text/css";
  if (path.ends_with(".png")) return "image/png";
  if (path.ends_with(".gif")) return "image/gif";
  return "text/plain";
}

// The three forms of dates in HTTP.
std::optional<std::time_t> parse_date(const std::string& text) {
  for (const char* format : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm utc{};
    const char* end = strptime(text.c_str(), format, &utc);
    if (end != nullptr && *end == '\0') return timegm(&utc);
  }
  return std::nullopt;
}

// If-Modified-Since, to which old browsers add "; length=N".
bool is_unchanged(std::string_view header, const File& file) {
  const auto semicolon = header.find(';');
  if (semicolon != header.npos) {
    const std::string_view extra = trim(header.substr(semicolon + 1));
    if (!extra.starts_with("length=") || to_int(extra.substr(7)) != static_cast<long long>(file.bytes.size())) return false;
  }
  const auto since = parse_date(std::string(trim(header.substr(0, semicolon))));
  return since && classic_files_time <= *since;
}

}  // namespace

const File* find_file(std::string_view path) {
  const auto at = std::ranges::find(classic_files, path, &File::path);
  return at == classic_files.end() ? nullptr : &*at;
}

http::Response serve_file(const http::Request& request, std::string_view path) {
  if (request.method != "GET" && request.method != "HEAD") return http::error_page(400);
  const std::string wanted = normalise(path);
  const File* file = find_file(wanted);
  if (file == nullptr) {
    if (!is_folder(wanted) || path.empty() || path.ends_with('/')) return http::error_page(404);
    http::Response moved = http::error_page(301);
    moved.headers.insert(moved.headers.begin(), {"Location", own_url(request) + "/" + quote(path) + "/"});
    return moved;
  }
  if (is_unchanged(request.header("If-Modified-Since"), *file)) return {304, {}, {}};
  return {200,
          {{"Last-Modified", http::format_date(classic_files_time)},
           {"Content-Length", std::to_string(file->bytes.size())},
           {"Content-Type", std::string(content_type(wanted))}},
          std::string(file->bytes)};
}

}  // namespace sup::web
