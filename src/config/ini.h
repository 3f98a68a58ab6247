// The grammar of the file: text -> sections with options, each with its place.
//
// It is that of Python's RawConfigParser as Supervisor uses it, traps included: `;` and `#` behind white space begin a
// comment even within quotes; an indented line continues the value above it, whatever it looks like; `:` separates
// as `=` does; sections and options that come again add to and override the earlier ones; [DEFAULT] gives options to
// every section.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/config.h"

namespace sup::config {

// For maps of names that are searched with views.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>()(name); }
};
using NameIndex = std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>>;

struct IniOption {
  std::string name;   // lower case
  std::string value;  // lines joined by \n
  Place place;        // of the last definition
};

class IniSection {
 public:
  IniSection(std::string name, Place place) : name_(std::move(name)), place_(std::move(place)) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Place& place() const { return place_; }  // of its first header
  [[nodiscard]] const std::vector<IniOption>& options() const { return options_; }
  [[nodiscard]] const IniOption* find(std::string_view option) const;  // nullptr when it has none
  IniOption& set(std::string_view option, std::string value, Place place);
  [[nodiscard]] IniOption& at(std::size_t index) { return options_[index]; }

 private:
  static constexpr std::size_t few = 24;  // so many are found sooner by looking at each

  [[nodiscard]] std::size_t place_of(std::string_view option) const;  // that of the end when it has none

  std::string name_;
  Place place_;
  std::vector<IniOption> options_;  // in the order of their first appearance
  NameIndex index_;                 // of all, once there are more than a few
};

class IniDocument {
 public:
  // All sections but [DEFAULT] in the order of their first appearance.
  [[nodiscard]] const std::deque<IniSection>& sections() const { return sections_; }
  [[nodiscard]] const IniSection& defaults() const { return defaults_; }
  [[nodiscard]] const IniSection* find(std::string_view section) const;
  // The option of the section, or else that of [DEFAULT]; nullptr when neither has it.
  [[nodiscard]] const IniOption* option(const IniSection& section, std::string_view name) const;
  // Replaces the text %(here)s in every value, and in what [DEFAULT] gives to the sections that exist by now.
  void replace_here(std::string_view directory);

  // From now on parse() keeps only sections that `wanted` says yes to, and [DEFAULT]. The others are read for mistakes
  // alone.
  void keep_only(std::function<bool(std::string_view section)> wanted) { wanted_ = std::move(wanted); }
  // Adds the sections of `text`, which stands in `file`. Several errors are reported together; then the readable
  // rest has been added.
  [[nodiscard]] std::vector<Problem> parse(std::string_view text, std::shared_ptr<const std::string> file);

 private:
  friend class IniParser;
  IniSection& section_named(std::string_view name, const Place& place);

  std::deque<IniSection> sections_;
  NameIndex index_;
  IniSection defaults_{"DEFAULT", {}};
  std::function<bool(std::string_view)> wanted_;  // empty: keep all
};

}  // namespace sup::config
