#include "config/shell_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace sup::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// How many bytes the character at the front has, if it is one that environment= takes as part of a word; else 0.
// Beyond ASCII these are U+00C0 to U+00FF without the multiplication and the division sign.
std::size_t word_character(std::string_view text) {
  const char c = text.front();
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return 1;
  if (std::string_view("_/.+-():").find(c) != std::string_view::npos) return 1;
  if (c != '\xC3' || text.size() < 2) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second <= 0xBF && second != 0x97 && second != 0xB7 ? 2 : 0;
}

std::size_t character_length(std::string_view text) {
  std::size_t length = 1;
  if (static_cast<unsigned char>(text.front()) < 0xC0) return length;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    ++length;
  return length;
}

class Lexer {
 public:
  // `all_in_words`: every character that is not white space belongs to a word, and there are no comments.
  Lexer(std::string_view text, bool all_in_words) : text_(text), all_in_words_(all_in_words) {}

  [[nodiscard]] std::expected<std::vector<std::string>, std::string> tokens() {
    std::vector<std::string> found;
    while (skip_to_token()) {
      auto token = read();
      if (!token) return std::unexpected(std::move(token.error()));
      found.push_back(std::move(*token));
    }
    return found;
  }

 private:
  bool skip_to_token() {
    for (; at_ < text_.size(); ++at_) {
      if (comment_here()) {
        at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      } else if (!is_blank(text_[at_])) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool comment_here() const { return !all_in_words_ && text_[at_] == '#'; }

  // Bytes of the plain character here if it continues a word.
  [[nodiscard]] std::size_t plain() const { return all_in_words_ ? 1 : word_character(text_.substr(at_)); }

  std::expected<std::string, std::string> read() {
    std::string word;
    bool begun = false;
    for (; at_ < text_.size(); begun = true) {
      const char c = text_[at_];
      if (is_blank(c) || comment_here()) break;
      if (c == '\\') {
        if (++at_ == text_.size()) return std::unexpected("No escaped character");
        take(word, character_length(text_.substr(at_)));
      } else if (c == '\'' || c == '"') {
        if (auto problem = quoted(word)) return std::unexpected(std::move(*problem));
      } else if (const auto length = plain(); length > 0) {
        take(word, length);
      } else if (begun) {
        break;
      } else {
        take(word, character_length(text_.substr(at_)));
        break;
      }
    }
    return word;
  }

  void take(std::string& word, std::size_t length) {
    word += text_.substr(at_, length);
    at_ += length;
  }

  // Takes a quoted piece, from quote to quote.
  std::optional<std::string> quoted(std::string& word) {
    const char quote = text_[at_++];
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == quote) {
        ++at_;
        return std::nullopt;
      }
      if (c == '\\' && quote == '"') {
        if (++at_ == text_.size()) return "No escaped character";
        c = text_[at_];
        if (c != '"' && c != '\\') word += '\\';
      }
      word += c;
    }
    return "No closing quotation";
  }

  std::string_view text_;
  bool all_in_words_;
  std::size_t at_ = 0;
};

// Up to the first value: it may be a secret, and the message goes to logs.
std::string without_values(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals + 1 == text.size()) return std::string(text);
  return fmt::format("{}***", text.substr(0, equals + 1));
}

}  // namespace

std::expected<std::vector<std::string>, std::string> shell_split(std::string_view text) {
  return Lexer(text, true).tokens();
}

std::expected<Environment, std::string> parse_environment(std::string_view text) {
  auto tokens = Lexer(text, false).tokens();
  if (!tokens) return std::unexpected(std::move(tokens.error()));
  Environment environment;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < tokens->size(); i += 4) {
    if (i + 2 >= tokens->size() || (*tokens)[i + 1] != "=") {
      return std::unexpected(fmt::format("Unexpected end of key/value pairs in value '{}'", without_values(text)));
    }
    const auto [place, added] = places.try_emplace((*tokens)[i], environment.size());
    if (added) environment.emplace_back((*tokens)[i], std::string());
    environment[place->second].second = std::move((*tokens)[i + 2]);
  }
  return environment;
}

}  // namespace sup::config
