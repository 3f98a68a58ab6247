#include "rpc/writer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "api/sink.h"
#include "base/base64.h"
#include "base/utf8.h"

namespace sup::rpc {
namespace {

using api::Value;

// Bytes that stand for themselves, whatever is around them.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c)
    plain[c] = c != '&' && c != '<' && c != '>';
  plain['\n'] = plain['\r'] = plain['\t'] = true;
  return plain;
}
constexpr auto plain = make_plain();

constexpr std::uint64_t each_byte(std::uint8_t c) {
  return std::uint64_t{0x0101010101010101} * c;
}

// Is a byte of the eight zero?
bool has_zero(std::uint64_t word) {
  return ((word - each_byte(0x01)) & ~word & each_byte(0x80)) != 0;
}

// Are all eight bytes printable ASCII and none of & < >? (The last two differ in one bit.)
bool is_plain_word(std::uint64_t word) {
  const bool ascii = (((word - each_byte(0x20)) | word) & each_byte(0x80)) == 0;
  return ascii && !has_zero(word ^ each_byte('&')) && !has_zero((word | each_byte(0x02)) ^ each_byte('>'));
}

// How many bytes from the start of `text` are plain.
std::size_t plain_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t stop = text.size();
    if (stop - i >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, sizeof word);
      if (is_plain_word(word)) {
        i += 8;
        continue;
      }
      stop = i + 8;
    }
    while (i < stop && plain[static_cast<std::uint8_t>(text[i])])
      ++i;
    if (i < stop) return i;
  }
  return i;
}

std::string_view escape_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    default:
      return {};
  }
}

// repr() of a Python float.
void append_double(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "nan";
    return;
  }
  const std::size_t start = out.size();
  fmt::format_to(std::back_inserter(out), "{}", number);
  if (out.find_first_of(".enf", start) == std::string::npos) out += ".0";
}

// Base64 in lines of 76 characters, each with its newline.
void append_base64_lines(std::string& out, std::string_view bytes) {
  constexpr std::size_t line = 57;
  for (std::size_t i = 0; i < bytes.size(); i += line) {
    out += base64_encode(bytes.substr(i, line));
    out += '\n';
  }
}

class XmlWriter final : public api::Sink {
 public:
  explicit XmlWriter(std::string& out) : out_(out) {}

  void nil() override { finish("<value><nil/></value>", ""); }  // no newline: Python writes none
  void boolean(bool value) override {
    out_ += value ? "<value><boolean>1</boolean></value>" : "<value><boolean>0</boolean></value>";
    finish("", "\n");
  }
  void integer(std::int64_t value) override {
    const fmt::format_int digits(value);
    out_.append("<value><int>").append(digits.data(), digits.size());
    finish("</int></value>", "\n");
  }
  void real(double value) override {
    out_ += "<value><double>";
    append_double(out_, value);
    finish("</double></value>", "\n");
  }
  void text(std::string_view value) override {
    out_ += "<value><string>";
    append_text(out_, value);
    finish("</string></value>", "\n");
  }
  void opaque(const api::Opaque& value) override {
    if (value.type == "base64") {
      out_ += "<value><base64>\n";
      append_base64_lines(out_, value.text);
      finish("</base64></value>", "\n");
    } else {
      out_ += "<value><dateTime.iso8601>";
      append_text(out_, value.text);
      finish("</dateTime.iso8601></value>", "\n");
    }
  }
  void begin_array() override {
    out_ += "<value><array><data>\n";
    structs_.push_back(false);
  }
  void end_array() override { close("</data></array></value>"); }
  void begin_struct() override {
    out_ += "<value><struct>\n";
    structs_.push_back(true);
  }
  void member(std::string_view name) override {
    out_ += "<member>\n<name>";
    append_text(out_, name);
    out_ += "</name>\n";
  }
  void end_struct() override { close("</struct></value>"); }

 private:
  void close(std::string_view end) {
    structs_.pop_back();
    finish(end, "\n");
  }
  // The end of a value, and of the member that it is.
  void finish(std::string_view end, std::string_view newline) {
    out_.append(end).append(newline);
    if (!structs_.empty() && structs_.back()) out_ += "</member>\n";
  }

  std::string& out_;
  std::vector<bool> structs_;  // what is open: a struct or an array
};

}  // namespace

void append_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t good = plain_prefix(text);
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) return;
    const std::string_view escape = escape_of(text.front());
    if (!escape.empty()) {
      out.append(escape);
      text.remove_prefix(1);
      continue;
    }
    const Utf8Step step = utf8_step(text);
    const std::string_view character = text.substr(0, step.length);
    if (xml_safe_prefix(character) == character.size()) {
      out.append(character);
    } else {
      out.append("\xEF\xBF\xBD");
    }
    text.remove_prefix(step.length);
  }
}

void append_value(std::string& out, const Value& value) {
  XmlWriter writer(out);
  api::tell(value, writer);
}

std::size_t estimate_size(const Value& value) {
  constexpr std::size_t tags = 48, member_tags = 40;
  if (const api::Stream* stream = value.stream()) return stream->size_hint;
  if (const std::string* text = value.string()) return tags + text->size() + text->size() / 16;
  std::size_t size = tags;
  if (const api::Array* items = value.array())
    for (const Value& item : *items)
      size += estimate_size(item);
  if (const api::Struct* members = value.structure())
    for (const auto& [name, item] : *members)
      size += member_tags + name.size() + estimate_size(item);
  return size;
}

}  // namespace sup::rpc
