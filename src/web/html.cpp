#include "web/html.h"

#include "base/utf8.h"

namespace sup::web {
namespace {

std::string escape(std::string_view text, bool quotes) {
  const std::string safe = make_xml_safe(text);
  std::string out;
  out.reserve(safe.size() + safe.size() / 8);
  for (const char c : safe) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"' && quotes) {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string escape_text(std::string_view text) { return escape(text, false); }
std::string escape_attribute(std::string_view text) { return escape(text, true); }

std::string fill(std::string_view page, std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string out;
  for (;;) {
    const auto open = page.find("{{");
    const auto close = open == page.npos ? open : page.find("}}", open);
    if (close == page.npos) return out.append(page);
    const std::string_view name = page.substr(open + 2, close - open - 2);
    out.append(page.substr(0, open));
    std::string_view value = page.substr(open, close + 2 - open);
    for (const auto& [key, text] : values) {
      if (key == name) value = text;
    }
    out.append(value);
    page.remove_prefix(close + 2);
  }
}

}  // namespace sup::web
