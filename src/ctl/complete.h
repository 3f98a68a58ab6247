// What Tab offers in the shell.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/session.h"

namespace sup::ctl {

class Completer {
 public:
  explicit Completer(Session& session) : session_(session) {}

  // Everything that could stand in place of `word`, the last word of `line`; each with a space behind it.
  [[nodiscard]] std::vector<std::string> candidates(std::string_view line, std::string_view word);
  // The processes are asked for once, and again after this: a command may have changed them.
  void forget() { processes_.reset(); }

 private:
  [[nodiscard]] std::vector<std::string> groups(std::string_view word);
  [[nodiscard]] std::vector<std::string> processes(std::string_view word);
  const api::Array& infos();

  Session& session_;
  std::optional<api::Value> processes_;
};

// Where the word that is being typed begins: behind the last character that cannot be part of a name. Names may hold
// `:`, `*` and `-`, so that "group:process" is one word.
[[nodiscard]] std::size_t word_start(std::string_view line);

// What all candidates begin with.
[[nodiscard]] std::string common_prefix(const std::vector<std::string>& candidates);

}  // namespace sup::ctl
