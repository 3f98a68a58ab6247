// Reading one section: expands its options, converts them and collects what is wrong with them.
//
// Nothing stops at a problem: the value keeps what it had, and the next option is read. So the problems come in the
// order in which Supervisor would meet them, and its only one is our first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/expand.h"
#include "config/ini.h"
#include "config/option_names.h"
#include "config/types.h"

namespace sup::config {

class Reader {
 public:
  // `suffix` ends every message, " in section 'program:x' (file: 'F')".
  Reader(const IniDocument& document, const IniSection& section, std::vector<Problem>& problems,
         std::string suffix = {})
      : document_(document),
        section_(section),
        problems_(problems),
        before_(problems.size()),
        suffix_(std::move(suffix)) {}

  [[nodiscard]] const IniSection& section() const { return section_; }
  // The option as it stands in the file; nullptr when it is absent.
  [[nodiscard]] const IniOption* raw(const OptionRow& row) const { return document_.option(section_, row.name); }
  // Its expanded text; nullopt when it is absent or cannot be expanded.
  [[nodiscard]] std::optional<std::string> text(const OptionRow& row, const Scope& scope);
  // Expands any text that belongs to an option, calling it `shown_as` in messages.
  [[nodiscard]] std::optional<std::string> expanded(const OptionRow& row, std::string_view value, const Scope& scope,
                                                    std::string_view shown_as);

  // Reads an option into `target`, which stays as it is when the option is absent or wrong. Whether it was read.
  template <class Target, class Convert, class... More>
  bool read(const OptionRow& row, const Scope& scope, Target& target, Convert convert, const More&... more) {
    const auto value = text(row, scope);
    return value && take(row, convert(*value, more...), target);
  }
  bool read(const OptionRow& row, const Scope& scope, std::optional<std::string>& target) {
    auto value = text(row, scope);
    if (!value) return false;
    target = std::move(*value);
    return true;
  }

  // Stores a conversion's result, or reports its problem at the option's place.
  template <class Value, class Target>
  bool take(const OptionRow& row, Parsed<Value>&& result, Target& target) {
    if (result) {
      target = std::move(*result);
      return true;
    }
    fail(row, std::move(result.error()));
    return false;
  }

  // Reports at the option's place if it is there, else at the section's.
  void fail(const OptionRow& row, Problem problem);
  void fail(const OptionRow& row, std::string message, std::string hint = {}) {
    fail(row, Problem{std::move(message), {}, std::move(hint)});
  }
  void fail_section(std::string message, std::string hint = {});

  // Whether this reader has found problems.
  [[nodiscard]] bool failed() const { return problems_.size() > before_; }

 private:
  const IniDocument& document_;
  const IniSection& section_;
  std::vector<Problem>& problems_;
  std::size_t before_;
  std::string suffix_;
};

}  // namespace sup::config
