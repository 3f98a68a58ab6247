// Looking at values that came from foreign XML.
#pragma once

#include <algorithm>

#include "api/value.h"

namespace sup::fuzz {

inline int depth_of(const api::Value& value) {
  int deepest = 0;
  if (const api::Array* items = value.array())
    for (const api::Value& item : *items)
      deepest = std::max(deepest, depth_of(item));
  if (const api::Struct* members = value.structure())
    for (const auto& [name, held] : *members)
      deepest = std::max(deepest, depth_of(held));
  return deepest + 1;
}

// What is written takes up to three levels of XML for one of values; this much can be read again.
inline constexpr int readable_depth = 30;

}  // namespace sup::fuzz
