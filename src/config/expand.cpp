#include "config/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <expected>
#include <optional>

#include "base/strings.h"
#include "base/utf8.h"
#include "config/spelling.h"

namespace sup::config {
namespace {

// Nobody needs more, and a file must not make us allocate gigabytes.
constexpr long long widest = 65536;

struct Spec {
  bool left = false;
  bool sign = false;
  bool blank = false;
  bool alternate = false;
  bool zero = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
};

struct Failure {
  std::string reason;
  std::string unknown;  // the name that is not in the scope, when that is the reason
  std::string hint;
  bool is_unknown_name = false;
};
template <class T>
using Attempt = std::expected<T, Failure>;

std::unexpected<Failure> bad(std::string reason, std::string hint = {}) {
  return std::unexpected(Failure{std::move(reason), {}, std::move(hint), false});
}

std::string prefix_of(const std::string& text, std::size_t characters) {
  std::size_t at = 0;
  while (at < text.size() && characters > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
      ++at;
    --characters;
  }
  return text.substr(0, at);
}

std::string padded(std::string text, const Spec& spec) {
  const auto length = utf8_length(text);
  if (length >= spec.width) return text;
  const std::string blanks(spec.width - length, ' ');
  return spec.left ? text + blanks : blanks + text;
}

// Puts sign and prefix before the digits, with zeros or blanks to fill the width.
std::string numeral(bool negative, std::string_view prefix, const std::string& digits, const Spec& spec) {
  std::string head = negative ? "-" : spec.sign ? "+" : spec.blank ? " " : "";
  head += prefix;
  std::string zeros;
  if (spec.zero && !spec.left && head.size() + digits.size() < spec.width) {
    zeros.assign(spec.width - head.size() - digits.size(), '0');
  }
  return padded(head + zeros + digits, spec);
}

std::string integer(long long value, char conversion, const Spec& spec) {
  const auto magnitude =
      value < 0 ? 0 - static_cast<unsigned long long>(value) : static_cast<unsigned long long>(value);
  std::string digits;
  std::string_view prefix;
  if (conversion == 'o') {
    digits = fmt::format("{:o}", magnitude);
    prefix = "0o";
  } else if (conversion == 'x') {
    digits = fmt::format("{:x}", magnitude);
    prefix = "0x";
  } else if (conversion == 'X') {
    digits = fmt::format("{:X}", magnitude);
    prefix = "0X";
  } else {
    digits = fmt::format("{}", magnitude);
  }
  if (!spec.alternate) prefix = {};
  if (spec.precision && *spec.precision > digits.size()) digits.insert(0, *spec.precision - digits.size(), '0');
  return numeral(value < 0, prefix, digits, spec);
}

std::string real(long long value, char conversion, const Spec& spec) {
  const std::string format =
      fmt::format("{{:{}.{}{}}}", spec.alternate ? "#" : "", spec.precision.value_or(6), conversion);
  const double magnitude = value < 0 ? -static_cast<double>(value) : static_cast<double>(value);
  return numeral(value < 0, "", fmt::format(fmt::runtime(format), magnitude), spec);
}

std::optional<std::string> character(const ExpansionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return utf8_length(*text) == 1 ? std::optional(*text) : std::nullopt;
  }
  const long long code = std::get<long long>(value);
  if (code < 0 || code > 127) return std::nullopt;
  return std::string(1, static_cast<char>(code));
}

// Python's ascii(): its repr() with everything beyond ASCII escaped would need the code points; a name's value hardly
// ever has any, so the repr() serves.
std::string representation(const ExpansionValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? python_repr(*text) : fmt::format("{}", std::get<long long>(value));
}

class Formatter {
 public:
  Formatter(std::string_view text, const Scope& scope) : text_(text), scope_(scope) {}

  [[nodiscard]] Attempt<std::string> run() {
    std::string out;
    while (at_ < text_.size()) {
      const auto percent = std::min(text_.find('%', at_), text_.size());
      out += text_.substr(at_, percent - at_);
      at_ = percent;
      if (at_ == text_.size()) break;
      ++at_;
      auto piece = one();
      if (!piece) return piece;
      out += *piece;
    }
    return out;
  }

 private:
  // The conversion behind a percent sign.
  Attempt<std::string> one() {
    if (at_ < text_.size() && text_[at_] == '%') {
      ++at_;
      return "%";
    }
    const ExpansionValue* value = nullptr;
    if (at_ < text_.size() && text_[at_] == '(') {
      auto found = name();
      if (!found) return std::unexpected(std::move(found.error()));
      value = *found;
    }
    Spec spec;
    if (auto failure = read_spec(spec)) return std::unexpected(std::move(*failure));
    const std::size_t conversion_at = at_;
    const char conversion = text_[at_++];
    if (value == nullptr) return bare(conversion, conversion_at);
    named_before_ = true;
    return convert(*value, conversion, conversion_at, spec);
  }

  Attempt<const ExpansionValue*> name() {
    const std::size_t start = ++at_;
    for (int depth = 1; at_ < text_.size(); ++at_) {
      if (text_[at_] == '(') ++depth;
      if (text_[at_] == ')' && --depth == 0) break;
    }
    if (at_ == text_.size()) return bad("incomplete format key", "%(name)s needs its closing parenthesis");
    const auto key = text_.substr(start, at_++ - start);
    if (const auto* value = scope_.find(key)) return value;
    return std::unexpected(Failure{{}, std::string(key), {}, true});
  }

  std::optional<Failure> read_spec(Spec& spec) {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '-')
        spec.left = true;
      else if (c == '+')
        spec.sign = true;
      else if (c == ' ')
        spec.blank = true;
      else if (c == '#')
        spec.alternate = true;
      else if (c == '0')
        spec.zero = true;
      else
        break;
    }
    if (at_ < text_.size() && text_[at_] == '*') return Failure{"* wants int", {}, {}, false};
    if (!number(spec.width)) return Failure{"width too big", {}, {}, false};
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (at_ < text_.size() && text_[at_] == '*') return Failure{"* wants int", {}, {}, false};
      if (!number(spec.precision.emplace())) return Failure{"precision too big", {}, {}, false};
    }
    if (at_ < text_.size() && std::string_view("hlL").find(text_[at_]) != std::string_view::npos) ++at_;
    if (at_ == text_.size()) return Failure{"incomplete format", {}, "write %% for a percent sign", false};
    return std::nullopt;
  }

  bool number(std::size_t& value) {
    long long read = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      read = std::min(read * 10 + (text_[at_] - '0'), widest + 1);
    }
    value = static_cast<std::size_t>(read);
    return read <= widest;
  }

  // A conversion without a name, which Python would apply to the whole mapping.
  Attempt<std::string> bare(char conversion, std::size_t conversion_at) const {
    const std::string hint = "write %% for a percent sign, or %(name)s to expand a name";
    if (named_before_) return bad("not enough arguments for format string", hint);
    constexpr std::string_view integers = "diu";
    constexpr std::string_view bits = "oxX";
    constexpr std::string_view reals = "eEfFgG";
    if (integers.find(conversion) != integers.npos) {
      return bad(fmt::format("%{} format: a real number is required, not dict", conversion), hint);
    }
    if (bits.find(conversion) != bits.npos) {
      return bad(fmt::format("%{} format: an integer is required, not dict", conversion), hint);
    }
    if (reals.find(conversion) != reals.npos) return bad("must be real number, not dict", hint);
    if (conversion == 'c') return bad("%c requires int or char", hint);
    if (conversion == 's' || conversion == 'r' || conversion == 'a') {
      return bad(fmt::format("%{} without a name", conversion), hint);
    }
    return unsupported(conversion, conversion_at);
  }

  Attempt<std::string> convert(const ExpansionValue& value, char conversion, std::size_t conversion_at,
                               const Spec& spec) const {
    const auto* text = std::get_if<std::string>(&value);
    switch (conversion) {
      case 's':
      case 'r':
      case 'a': {
        std::string shown = conversion == 's' && text != nullptr ? *text : representation(value);
        if (spec.precision) shown = prefix_of(shown, *spec.precision);
        return padded(std::move(shown), spec);
      }
      case 'c':
        if (auto one = character(value)) return padded(std::move(*one), spec);
        return bad("%c requires int or char");
      case 'd':
      case 'i':
      case 'u':
        if (text != nullptr) return bad(fmt::format("%{} format: a real number is required, not str", conversion));
        return integer(std::get<long long>(value), conversion, spec);
      case 'o':
      case 'x':
      case 'X':
        if (text != nullptr) return bad(fmt::format("%{} format: an integer is required, not str", conversion));
        return integer(std::get<long long>(value), conversion, spec);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (text != nullptr) return bad("must be real number, not str");
        return real(std::get<long long>(value), conversion, spec);
      default:
        return unsupported(conversion, conversion_at);
    }
  }

  Attempt<std::string> unsupported(char conversion, std::size_t conversion_at) const {
    const auto rest = text_.substr(conversion_at);
    const Utf8Step step = utf8_step(rest);
    const std::size_t length = step.valid ? step.length : 1;
    std::uint32_t code = static_cast<unsigned char>(conversion);
    if (length > 1) code &= 0xFFU >> (length + 1);
    for (std::size_t i = 1; i < length; ++i)
      code = code << 6 | (static_cast<unsigned char>(rest[i]) & 0x3FU);
    return bad(
        fmt::format("unsupported format character '{}' (0x{:x}) at index {}",
                    code >= 31 && code <= 126 ? conversion : '?', code, utf8_length(text_.substr(0, conversion_at))),
        "write %% for a percent sign");
  }

  std::string_view text_;
  const Scope& scope_;
  std::size_t at_ = 0;
  bool named_before_ = false;  // Python then has no argument left for a conversion without a name
};

std::string unknown_name_hint(std::string_view name, const std::vector<std::string>& names) {
  if (name.starts_with("ENV_")) return fmt::format("the environment has no variable {}", name.substr(4));
  const std::string_view near = nearest(name, {names.begin(), names.end()});
  return near.empty() ? std::string() : fmt::format("did you mean %({})s?", near);
}

}  // namespace

const ExpansionValue* Scope::find(std::string_view name) const {
  if (const auto found = values_.find(name); found != values_.end()) {
    used_ = true;
    return &found->second;
  }
  return parent_ != nullptr ? parent_->find(name) : nullptr;
}

std::vector<std::string> Scope::names() const {
  std::vector<std::string> all = parent_ != nullptr ? parent_->names() : std::vector<std::string>();
  for (const auto& [name, value] : values_)
    all.push_back(name);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::expected<std::string, Problem> expand(std::string_view text, const Scope& scope, std::string_view option) {
  if (text.find('%') == text.npos) return std::string(text);
  auto expanded = Formatter(text, scope).run();
  if (expanded) return std::move(*expanded);
  const Failure& failure = expanded.error();
  Problem problem;
  if (failure.is_unknown_name) {
    const auto names = scope.names();
    problem.message =
        fmt::format("Format string {} for {} contains names ({}) which cannot be expanded. Available names: {}",
                    python_repr(text), python_repr(option), python_repr(failure.unknown), join(names, ", "));
    problem.hint = unknown_name_hint(failure.unknown, names);
  } else {
    problem.message = fmt::format("Format string {} for {} is badly formatted: {}", python_repr(text),
                                  python_repr(option), failure.reason);
    problem.hint = failure.hint;
  }
  return std::unexpected(std::move(problem));
}

}  // namespace sup::config
