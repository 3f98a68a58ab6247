// The texts behind a configuration: the main file and what its [include] names, read into one document.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/expand.h"
#include "config/ini.h"
#include "config/load.h"

namespace sup::config {

struct Sources {
  IniDocument document;
  std::string here;  // directory of the main file, absolute
  std::vector<Notice> notices;
  std::vector<Problem> problems;
  bool usable = false;  // there is a document to go on with, perhaps in spite of problems
};

// The ENV_ names that every option may use.
[[nodiscard]] Scope environment_scope(const Host& host);

// Only the main file, and of it only sections that `wanted` says yes to: all, when it is empty.
[[nodiscard]] Sources read_main(const std::string& path, const Host& host,
                                std::function<bool(std::string_view section)> wanted = {});
// The main file and the files it includes.
[[nodiscard]] Sources read_sources(const std::string& path, const Host& host, const Scope& environment);

}  // namespace sup::config
