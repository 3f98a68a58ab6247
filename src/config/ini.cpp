#include "config/ini.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace sup::config {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view here_text = "%(here)s";

constexpr std::array<std::string_view, 19> spaces_beyond_ascii{
    "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};

std::size_t rare_space_length(std::string_view text) {
  const char c = text.front();
  if (is_space(c) || (c >= '\x1c' && c <= '\x1f')) return 1;
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  for (const auto space : spaces_beyond_ascii)
    if (text.starts_with(space)) return space.size();
  return 0;
}

// Bytes of the white space character at the front, in the sense of str.isspace(); 0 when it is none.
inline std::size_t space_length(std::string_view text) {
  const bool printable_ascii = text.empty() || text.front() > ' ';
  return printable_ascii ? 0 : rare_space_length(text);
}

inline std::size_t last_character_length(std::string_view text) {
  std::size_t length = 1;
  if (static_cast<unsigned char>(text.back()) < 0x80) return length;
  while (length < text.size() && length < 4 &&
         (static_cast<unsigned char>(text[text.size() - length]) & 0xC0) == 0x80) {
    ++length;
  }
  return length;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    const auto length = last_character_length(text);
    if (space_length(text.substr(text.size() - length)) != length) break;
    text.remove_suffix(length);
  }
  return text;
}

std::string_view strip(std::string_view text) {
  while (const auto length = space_length(text))
    text.remove_prefix(length);
  return strip_right(text);
}

// Where the inline comment of the line begins; npos without one. Each round looks at the next occurrence of both
// signs, and the first round in which one of them starts a comment decides.
std::size_t inline_comment(std::string_view line) {
  if (line.find(';') == line.npos && line.find('#') == line.npos) return line.npos;
  std::array<std::size_t, 2> next{0, 0};
  constexpr std::array<char, 2> signs{'#', ';'};
  for (;;) {
    std::size_t start = line.npos;
    bool any = false;
    for (std::size_t i = 0; i < signs.size(); ++i) {
      if (next[i] == line.npos) continue;
      const auto at = line.find(signs[i], next[i]);
      next[i] = at == line.npos ? at : at + 1;
      if (at == line.npos) continue;
      any = true;
      const auto before = line.substr(0, at);
      if (at == 0 || space_length(before.substr(at - last_character_length(before))) > 0) start = std::min(start, at);
    }
    if (start != line.npos || !any) return start;
  }
}

// Characters before the first that is not white space; 0 when there is only white space.
std::size_t indentation(std::string_view line) {
  std::size_t characters = 0;
  while (const auto length = space_length(line)) {
    line.remove_prefix(length);
    ++characters;
  }
  return line.empty() ? 0 : characters;
}

}  // namespace

// ---- sections

std::size_t IniSection::place_of(std::string_view option) const {
  if (options_.size() > few) {
    const auto found = index_.find(option);
    return found == index_.end() ? options_.size() : found->second;
  }
  std::size_t at = 0;
  while (at < options_.size() && options_[at].name != option)
    ++at;
  return at;
}

const IniOption* IniSection::find(std::string_view option) const {
  const auto at = place_of(option);
  return at == options_.size() ? nullptr : &options_[at];
}

IniOption& IniSection::set(std::string_view option, std::string value, Place place) {
  const auto at = place_of(option);
  if (at == options_.size()) {
    options_.push_back({std::string(option), std::move(value), std::move(place)});
    if (options_.size() > few) {
      for (std::size_t i = index_.size(); i < options_.size(); ++i)
        index_.emplace(options_[i].name, i);
    }
    return options_.back();
  }
  IniOption& existing = options_[at];
  existing.value = std::move(value);
  existing.place = std::move(place);
  return existing;
}

const IniSection* IniDocument::find(std::string_view section) const {
  const auto found = index_.find(section);
  return found == index_.end() ? nullptr : &sections_[found->second];
}

const IniOption* IniDocument::option(const IniSection& section, std::string_view name) const {
  if (const auto* own = section.find(name)) return own;
  return defaults_.find(name);
}

IniSection& IniDocument::section_named(std::string_view name, const Place& place) {
  const auto [found, added] = index_.try_emplace(std::string(name), sections_.size());
  if (added) sections_.emplace_back(std::string(name), place);
  return sections_[found->second];
}

void IniDocument::replace_here(std::string_view directory) {
  const auto replaced = [&](std::string value) {
    for (auto at = value.find(here_text); at != value.npos; at = value.find(here_text, at + directory.size())) {
      value.replace(at, here_text.size(), directory);
    }
    return value;
  };
  for (auto& section : sections_) {
    for (const auto& option : defaults_.options()) {
      if (option.value.find(here_text) == std::string::npos || section.find(option.name) != nullptr) continue;
      section.set(option.name, option.value, option.place);
    }
    for (std::size_t i = 0; i < section.options().size(); ++i) {
      std::string& value = section.at(i).value;
      if (value.find(here_text) != std::string::npos) value = replaced(std::move(value));
    }
  }
}

// ---- reading

class IniParser {
 public:
  IniParser(IniDocument& document, std::shared_ptr<const std::string> file)
      : document_(document), file_(std::move(file)) {}

  std::vector<Problem> run(std::string_view text) {
    std::size_t newline = 0;  // the next one, or the end
    for (std::size_t begin = 0; begin < text.size() && !headless_;) {
      if (newline <= begin) newline = std::min(text.find('\n', begin), text.size());
      const auto end = std::min(text.substr(begin, newline - begin).find('\r'), newline - begin) + begin;
      const bool has_end = end < text.size();
      ++number_;
      line(text.substr(begin, end - begin), has_end);
      begin = end + (text.substr(end).starts_with("\r\n") ? 2 : has_end ? 1 : 0);
    }
    close_value();
    if (headless_) return {std::move(*headless_)};
    if (bad_lines_.empty()) return {};
    const std::string message = fmt::format("Source contains parsing errors: {}", python_repr(*file_));
    return {{message + bad_lines_,
             {file_, first_bad_line_},
             "expected [section], name=value or a comment",
             message + bad_numbers_}};
  }

 private:
  static constexpr const char* masked = "'***'";
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void line(std::string_view text, bool has_end) {
    auto comment = inline_comment(text);
    const auto stripped = strip(text);
    if (stripped.starts_with('#') || stripped.starts_with(';')) comment = 0;
    const auto value = comment == text.npos ? stripped : strip(text.substr(0, comment));
    if (value.empty()) {
      if (comment == text.npos && option_ != none) section_->at(option_).value += '\n';
      return;
    }
    const auto indent = indentation(text);
    if (option_ != none && indent > indent_) {
      std::string& open = section_->at(option_).value;
      open += '\n';
      open += value;
      return;
    }
    indent_ = indent;
    if (header(value)) return;
    if (section_ == nullptr) {
      const std::string message =
          fmt::format("File contains no section headers.\nfile: {}, line: {}\n", python_repr(*file_), number_);
      headless_ = Problem{message + shown(text, has_end),
                          {file_, number_},
                          text.starts_with(byte_order_mark) ? "the file starts with a byte order mark: save it without"
                                                            : "every option needs a [section] above it",
                          message + masked};
      return;
    }
    if (!option(value)) bad_line(text, has_end);
  }

  bool header(std::string_view value) {
    if (!value.starts_with('[')) return false;
    const auto close = value.rfind(']');
    if (close == value.npos || close < 2) return false;
    close_value();
    const auto name = value.substr(1, close - 1);
    if (name == "DEFAULT") {
      section_ = &document_.defaults_;
    } else {
      const bool kept = !document_.wanted_ || document_.wanted_(name);
      section_ = kept ? &document_.section_named(name, {file_, number_}) : &ignored_;
    }
    return true;
  }

  bool option(std::string_view value) {
    std::size_t delimiter = 0;
    while (delimiter < value.size() && value[delimiter] != '=' && value[delimiter] != ':')
      ++delimiter;
    if (delimiter == value.size()) return false;
    close_value();
    const auto name = strip_right(value.substr(0, delimiter));
    if (name.empty()) return false;
    if (section_ == &ignored_) {
      ignored_.set("", {}, {});  // for lines that continue it
      option_ = 0;
      return true;
    }
    const auto& added = section_->set(lower(name), std::string(strip(value.substr(delimiter + 1))), {file_, number_});
    option_ = static_cast<std::size_t>(&added - section_->options().data());
    return true;
  }

  // Ends the value that continuation lines would add to.
  void close_value() {
    if (option_ == none) return;
    std::string& value = section_->at(option_).value;
    value.resize(strip_right(value).size());
    option_ = none;
  }

  static std::string shown(std::string_view text, bool has_end) {
    std::string repr = python_repr(std::string(text) + (has_end ? "\n" : ""));
    // Invisible, and the very thing the reader has to see.
    if (const auto mark = repr.find(byte_order_mark); mark != repr.npos) {
      repr.replace(mark, byte_order_mark.size(), "\\ufeff");
    }
    return repr;
  }

  void bad_line(std::string_view text, bool has_end) {
    if (first_bad_line_ == 0) first_bad_line_ = number_;
    const std::string place = fmt::format("\n\t[line {:2}]: ", number_);
    bad_lines_ += place + shown(text, has_end);
    bad_numbers_ += place + masked;
  }

  IniDocument& document_;
  std::shared_ptr<const std::string> file_;
  IniSection* section_ = nullptr;
  IniSection ignored_{"", {}};  // stands for all that are not kept
  std::size_t option_ = none;  // of section_, open for continuation
  std::size_t indent_ = 0;     // of the line that began the option
  int number_ = 0;
  std::optional<Problem> headless_;
  std::string bad_lines_;
  std::string bad_numbers_;  // the same without their text, which may be a secret that somebody has wrapped
  int first_bad_line_ = 0;
};

std::vector<Problem> IniDocument::parse(std::string_view text, std::shared_ptr<const std::string> file) {
  return IniParser(*this, std::move(file)).run(text);
}

}  // namespace sup::config
