// Text in pages: escaping, and filling in templates.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sup::web {

// For between tags: & < > escaped, what XML forbids replaced.
[[nodiscard]] std::string escape_text(std::string_view text);
// For within double quotes: also ".
[[nodiscard]] std::string escape_attribute(std::string_view text);

// `page` with each {{name}} replaced by the value of that name, as it is; one that no value has stays. Values are not
// searched again.
[[nodiscard]] std::string fill(std::string_view page,
                               std::initializer_list<std::pair<std::string_view, std::string_view>> values);

}  // namespace sup::web
