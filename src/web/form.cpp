#include "web/form.h"

#include <algorithm>

#include "base/utf8.h"
#include "http/uri.h"

namespace sup::web {
namespace {

constexpr std::size_t longest_name = 3 * std::string_view("processname").size();  // were every letter escaped

std::string decode(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  return make_xml_safe(http::unquote(plain));
}

std::string* field(Form& form, std::string_view name) {
  if (name == "processname") return &form.processname;
  if (name == "action") return &form.action;
  if (name == "message") return &form.message;
  if (name == "limit") return &form.limit;
  return nullptr;
}

void read(Form& form, std::string_view text, bool last_wins) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const auto equals = pair.find('=');
    if (equals == pair.npos || equals + 1 == pair.size() || equals > longest_name) continue;
    std::string* value = field(form, decode(pair.substr(0, equals)));
    if (value != nullptr && (last_wins || value->empty())) *value = decode(pair.substr(equals + 1));
  }
}

}  // namespace

Form parse_form(std::string_view query, std::string_view body) {
  Form form;
  read(form, query, false);
  read(form, body, true);
  return form;
}

std::string quote(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("_.-~/").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

}  // namespace sup::web
