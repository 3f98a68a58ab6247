// The files that are built into the program, from web/classic.
#pragma once

#include <ctime>
#include <span>
#include <string_view>

#include "http/server.h"

namespace sup::web {

struct File {
  std::string_view path;  // "images/icon.png"
  std::string_view bytes;
};

// Written by cmake/embed.cmake.
extern const std::span<const File> classic_files;
extern const std::time_t classic_files_time;  // when they were built in; what Last-Modified says

// nullptr when there is none of that path.
[[nodiscard]] const File* find_file(std::string_view path);

// Answers a request for the file `path`, unescaped and without the leading slashes: the file, 304, 404, or 301 for a
// folder that lacks its slash. `..` stays inside. Other methods than GET and HEAD are 400.
[[nodiscard]] http::Response serve_file(const http::Request& request, std::string_view path);

}  // namespace sup::web
