// %(name)s: Python's % operator with a mapping, as far as it makes sense in a configuration file.
//
//   %(process_num)02d   flags, width, precision and the conversions s r a d i u o x X e E f F g G c
//   %%                  a percent sign
//
// A bare %s, which Python replaces by the whole mapping, is refused: it would put the environment on a command line.
#pragma once

#include <expected>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace sup::config {

using ExpansionValue = std::variant<std::string, long long>;

// The names one may use at some place: its own and those of its parent, which must outlive it. Own names win.
class Scope {
 public:
  explicit Scope(const Scope* parent = nullptr) : parent_(parent) {}
  void set(std::string name, ExpansionValue value) { values_[std::move(name)] = std::move(value); }
  [[nodiscard]] const ExpansionValue* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;  // sorted, each once

  // Whether one of the own names has been asked for since the last call of forget_use().
  [[nodiscard]] bool used() const { return used_; }
  void forget_use() { used_ = false; }

 private:
  const Scope* parent_;
  std::map<std::string, ExpansionValue, std::less<>> values_;
  mutable bool used_ = false;
};

// `option` names the place in messages, "program:x.command". The Problem has no place yet.
[[nodiscard]] std::expected<std::string, Problem> expand(std::string_view text, const Scope& scope,
                                                         std::string_view option);

}  // namespace sup::config
