// Writing words as they are quoted in command lines and in environment= lists.
#pragma once

#include <string>
#include <string_view>

namespace sup::fuzz {

inline std::string double_quoted(std::string_view word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace sup::fuzz
