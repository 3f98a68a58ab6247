// How processes are named on a command line: "group:process", or one word where both are called the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::ctl {

struct Namespec {
  std::string group;
  std::optional<std::string> process;  // nullopt: all of the group, from "group:*" or "group:"
};

[[nodiscard]] Namespec split_namespec(std::string_view text);

// The short form: "x" for x in group x.
[[nodiscard]] std::string make_namespec(std::string_view group, std::string_view process);
// For echoing what was typed; all of a group shows as "group:None".
[[nodiscard]] std::string make_namespec(const Namespec& name);

// "all" anywhere among the names means all.
[[nodiscard]] bool names_all(const std::vector<std::string>& names);
// Arguments are separated by white space; nothing quotes.
[[nodiscard]] std::vector<std::string> words(std::string_view arguments);

}  // namespace sup::ctl
