// Bytes that are handed on without a copy, where somebody can be found who keeps them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sup {

struct Borrowed {
  // Without an owner they are there until the call returns: who needs them longer copies them.
  Borrowed(std::string_view text) : bytes(text) {}    // NOLINT: a text is lent as it is
  Borrowed(const std::string& text) : bytes(text) {}  // NOLINT
  Borrowed(const char* text) : bytes(text) {}         // NOLINT
  // They are there as long as their owner.
  Borrowed(std::string_view text, std::shared_ptr<const void> keeps) : bytes(text), owner(std::move(keeps)) {}

  std::string_view bytes;
  std::shared_ptr<const void> owner;  // may be null
};

}  // namespace sup
