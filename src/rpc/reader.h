// XML-RPC text as values: a tree by pugixml, and the reading of its typed elements.
//
// Requests are read by Supervisor's rules, which are laxer than the specification: a value's type is its first child's
// name, unknown types are their text, text is never stripped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/value.h"
#include "base/result.h"

namespace pugi {
class xml_document;
class xml_node;
}  // namespace pugi

namespace sup::rpc {

// How unusual types are read.
enum class Dialect : unsigned char {
  request,  // as Supervisor's server does: <i8> is text
  reply,    // as Python's client does: <i8> is a number
};

// Parses `body` into `document`; refuses what is not UTF-8, has a DTD, or more than 400,000 tags (a reply: 20 million).
[[nodiscard]] bool load_xml(pugi::xml_document& document, std::string_view body, Dialect dialect);

// The text of an element in front of its first child element.
[[nodiscard]] std::string text_of(const pugi::xml_node& element);

// The value of a type whose content is text, like int; nullopt for any other type.
[[nodiscard]] std::optional<Result<api::Value>> read_typed(std::string_view type, std::string_view text,
                                                           Dialect dialect);

inline constexpr int max_depth = 100;

// What an element holds, in ElementTree's words its `text` when it ends: of a typed element or <value> the value, of
// others their text, nil when that is empty. Fails on malformed content and on nesting deeper than max_depth; `depth` is
// where it begins, and may be less than 0.
[[nodiscard]] Result<api::Value> read_element(const pugi::xml_node& element, Dialect dialect, int depth = 0);

}  // namespace sup::rpc
