#include "rpc/reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <unordered_map>

#include "base/base64.h"
#include "base/strings.h"
#include "base/utf8.h"

namespace sup::rpc {
namespace {

using api::Array;
using api::Nil;
using api::Struct;
using api::Value;

constexpr std::ptrdiff_t max_request_tags = 400'000;
constexpr std::ptrdiff_t max_reply_tags = 20'000'000;  // tens of thousands of programs

auto malformed() {
  return fail("unmarshallable");
}

pugi::xml_node first_child(const pugi::xml_node& element) {
  return element.find_child([](pugi::xml_node node) { return node.type() == pugi::node_element; });
}

pugi::xml_node next_sibling(pugi::xml_node node) {
  do {
    node = node.next_sibling();
  } while (node && node.type() != pugi::node_element);
  return node;
}

bool is_xml_character(unsigned long code) {
  return code == 0x9 || code == 0xA || code == 0xD || (code >= 0x20 && code <= 0xD7FF) ||
         (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

// Is this what stands between & and ; of one of the five entities or of a character XML allows?
bool is_reference(std::string_view name) {
  constexpr std::array<std::string_view, 5> entities{"amp", "lt", "gt", "quot", "apos"};
  if (!name.starts_with('#')) return std::ranges::find(entities, name) != entities.end();
  name.remove_prefix(1);
  const bool hex = name.starts_with('x');
  if (hex) name.remove_prefix(1);
  unsigned long code = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
  return error == std::errc{} && end == name.data() + name.size() && is_xml_character(code);
}

// pugixml leaves unknown references as text; a conforming parser refuses them. CDATA and comments hold no references.
bool references_are_known(std::string_view body) {
  const auto next = [body](std::size_t at) {
    while (at < body.size() && body[at] != '&' && body[at] != '<')
      ++at;
    return at;
  };
  for (std::size_t at = 0; (at = next(at)) < body.size();) {
    const std::string_view rest = body.substr(at);
    if (rest.starts_with("<!")) {
      const std::string_view close = rest.starts_with("<!--") ? "-->" : "]]>";
      at = body.find(close, at);
      if (at == std::string_view::npos) return false;
    } else if (rest.front() == '&') {
      const std::size_t end = rest.find(';');
      if (end == std::string_view::npos || !is_reference(rest.substr(1, end - 1))) return false;
    }
    ++at;
  }
  return true;
}

// Python's float(): as int(), white space around, a sign and `_` between digits are welcome.
std::optional<double> read_double(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string_view from = trim(text);
  if (from.starts_with('+') && !from.starts_with("+-")) from.remove_prefix(1);
  std::string word;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool between = i > 0 && i + 1 < from.size() && digit(from[i - 1]) && digit(from[i + 1]);
    if (from[i] != '_' || !between) word += from[i];
  }
  double number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (end != word.data() + word.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::strtod(word.c_str(), nullptr);  // knows to which side
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

// %Y%m%dT%H:%M:%S, with the digits where they belong; a day too many in a month is let pass.
bool is_date_time(std::string_view text) {
  constexpr std::string_view shape =
      "dddddddd"
      "Tdd:dd:dd";
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return false;
  }
  const auto two = [&](std::size_t i) { return (text[i] - '0') * 10 + (text[i + 1] - '0'); };
  const int month = two(4), day = two(6);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && two(9) < 24 && two(12) < 60 && two(15) < 62;
}

Result<Value> read_number(std::string_view text) {
  if (const auto number = to_int(text)) return Value(std::int64_t{*number});
  auto digits = whole_number(text);
  if (!digits) return malformed();
  return Value(api::Opaque{"int", std::move(*digits)});
}

Result<Value> read_real(std::string_view text) {
  const auto number = read_double(text);
  if (!number) return malformed();
  return Value(*number);
}

Result<Value> read_base64(std::string_view text) {
  auto bytes = base64_decode(text);
  if (!bytes || !is_utf8(*bytes)) return malformed();
  return Value(std::move(*bytes));
}

Result<Value> read_date(std::string_view text) {
  if (!is_date_time(text)) return malformed();
  return Value(api::Opaque{"dateTime.iso8601", std::string(text)});
}

Result<Value> read_boolean(std::string_view text) {
  return Value(text == "1");
}
Result<Value> read_string(std::string_view text) {
  return Value(text);
}

// The types whose content is text.
struct TextType {
  std::string_view name;
  Result<Value> (*read)(std::string_view text);
};
constexpr std::array<TextType, 7> text_types{{{"string", read_string},
                                              {"int", read_number},
                                              {"i4", read_number},
                                              {"boolean", read_boolean},
                                              {"double", read_real},
                                              {"dateTime.iso8601", read_date},
                                              {"base64", read_base64}}};
constexpr std::array<TextType, 2> reply_types{{{"i8", read_number}, {"biginteger", read_number}}};

const TextType* text_type(std::string_view name, Dialect dialect) {
  for (const TextType& type : text_types)
    if (type.name == name) return &type;
  if (dialect == Dialect::reply)
    for (const TextType& type : reply_types)
      if (type.name == name) return &type;
  return nullptr;
}

Result<Value> read_first_child(const pugi::xml_node& element, Dialect dialect, int depth) {
  const auto child = first_child(element);
  if (!child) return malformed();
  return read_element(child, dialect, depth);
}

Result<Value> read_data(const pugi::xml_node& element, Dialect dialect, int depth) {
  Array items;
  for (auto child = first_child(element); child; child = next_sibling(child)) {
    auto item = read_element(child, dialect, depth);
    if (!item) return item;
    items.push_back(std::move(*item));
  }
  return Value(std::move(items));
}

// A member is its two children, name and value, whatever they are called.
Result<Value> read_struct(const pugi::xml_node& element, Dialect dialect, int depth) {
  Struct members;
  std::unordered_map<std::string, std::size_t> places;  // a name given twice has its last value
  for (auto member = first_child(element); member; member = next_sibling(member)) {
    const auto name = first_child(member);
    const auto value = name ? next_sibling(name) : pugi::xml_node();
    if (!value || next_sibling(value)) return malformed();
    auto held = read_element(value, dialect, depth + 1);
    if (!held) return held;
    std::string key = text_of(name);
    const auto [place, fresh] = places.try_emplace(key, members.size());
    if (fresh) {
      members.emplace_back(std::move(key), std::move(*held));
    } else {
      members[place->second].second = std::move(*held);
    }
  }
  return Value(std::move(members));
}

// Nothing may stand before a declaration, not even a blank.
bool declared_at_the_start(const pugi::xml_document& document, std::string_view body) {
  const auto declarations = std::ranges::count(document.children(), pugi::node_declaration, &pugi::xml_node::type);
  return declarations == 0 || (declarations == 1 && body.starts_with("<?xml"));
}

}  // namespace

std::optional<Result<Value>> read_typed(std::string_view type, std::string_view text, Dialect dialect) {
  const TextType* known = text_type(type, dialect);
  return known != nullptr ? std::optional(known->read(text)) : std::nullopt;
}

bool load_xml(pugi::xml_document& document, std::string_view body, Dialect dialect) {
  const std::ptrdiff_t max_tags = dialect == Dialect::request ? max_request_tags : max_reply_tags;
  if (std::ranges::count(body, '<') > max_tags) return false;
  if (xml_safe_prefix(body) != body.size()) return false;
  if (body.find("<!DOCTYPE") != std::string_view::npos || !references_are_known(body)) return false;
  constexpr unsigned flags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata |
                             pugi::parse_declaration;
  if (!document.load_buffer(body.data(), body.size(), flags, pugi::encoding_utf8)) return false;
  if (!declared_at_the_start(document, body)) return false;
  return document.document_element() && !next_sibling(document.document_element());
}

std::string text_of(const pugi::xml_node& element) {
  std::string text;
  for (const auto& child : element) {
    if (child.type() == pugi::node_element) break;
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  }
  return text;
}

Result<Value> read_element(const pugi::xml_node& element, Dialect dialect, int depth) {
  if (depth > max_depth) return malformed();
  const std::string_view name = element.name();
  if (name == "value") {
    if (const auto child = first_child(element)) return read_element(child, dialect, depth + 1);
    return Value(text_of(element));
  }
  if (const TextType* type = text_type(name, dialect)) return type->read(text_of(element));
  if (name == "array" || name == "param") return read_first_child(element, dialect, depth + 1);
  if (name == "data") return read_data(element, dialect, depth + 1);
  if (name == "struct") return read_struct(element, dialect, depth + 1);
  std::string text = text_of(element);
  return text.empty() ? Value(Nil{}) : Value(std::move(text));
}

}  // namespace sup::rpc
