// The grammar of the configuration file. What was read, written down again, reads the same.
#include "config/ini.h"

#include <algorithm>
#include <memory>
#include <string>

#include "fuzz/fuzz.h"

namespace sup::fuzz {
namespace {

using config::IniDocument;
using config::IniSection;

IniDocument read(std::string_view text, std::vector<config::Problem>& problems) {
  IniDocument document;
  problems = document.parse(text, std::make_shared<const std::string>("/etc/supervisord.conf"));
  return document;
}

// A sign that began no comment where it stood, but would in a line of its own.
bool has_comment_sign(std::string_view text) {
  return text.find_first_of(";#") != text.npos;
}

// False when the section cannot be written down.
bool append(std::string& out, const IniSection& section) {
  if (has_comment_sign(section.name())) return false;
  out += '[' + section.name() + "]\n";
  for (const auto& option : section.options()) {
    if (has_comment_sign(option.name) || has_comment_sign(option.value)) return false;
    out += option.name + '=';
    for (const char c : option.value) {
      out += c;
      if (c == '\n') out += '\t';
    }
    out += '\n';
  }
  return true;
}

bool same(const IniSection& a, const IniSection& b) {
  return a.name() == b.name() && std::ranges::equal(a.options(), b.options(), [](const auto& x, const auto& y) {
           return x.name == y.name && x.value == y.value;
         });
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const std::string_view text = text_of(data, size);
  std::vector<sup::config::Problem> problems;
  IniDocument document = read(text, problems);

  const auto lines = 1 + std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r');
  for (const auto& problem : problems)
    require(problem.place.line > 0 && problem.place.line <= lines, "a problem is in one of the lines");
  std::string written;
  bool writable = append(written, document.defaults());
  for (const auto& section : document.sections()) {
    require(document.find(section.name()) == &section, "a section is found by its name");
    for (const auto& option : section.options()) {
      require(section.find(option.name) == &option, "an option is found by its name");
      require(option.place.line > 0 && option.place.line <= lines, "an option is in one of the lines");
    }
    writable = append(written, section) && writable;
  }
  if (writable) {
    const IniDocument again = read(written, problems);
    require(problems.empty(), "what was written can be read");
    require(same(document.defaults(), again.defaults()), "the defaults stay the same");
    require(std::ranges::equal(document.sections(), again.sections(), same), "the sections stay the same");
  }
  document.replace_here("/etc");
  for (const auto& section : document.sections())
    for (const auto& option : section.options())
      require(document.option(section, option.name) == &option, "own options come first");
  return 0;
}
