// A value told piece by piece, in the order in which a tree would be walked: how large answers are made without the tree.
#pragma once

#include <cstdint>
#include <string_view>

#include "api/value.h"

namespace sup::api {

// The calls describe one value: a scalar, or begin_... items ... end_.... In a struct each value follows its member().
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void nil() = 0;
  virtual void boolean(bool value) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void real(double value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void opaque(const Opaque& value) = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  virtual void begin_struct() = 0;
  virtual void member(std::string_view name) = 0;
  virtual void end_struct() = 0;
};

// Tells `value`, with everything in it, to `sink`.
void tell(const Value& value, Sink& sink);

// The tree of a value: what is streamed in it is asked for now, so that it no longer depends on anything.
[[nodiscard]] Value settle(Value value);

}  // namespace sup::api
