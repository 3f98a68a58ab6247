// The values that operations take and give, whatever the wire format: XML-RPC, JSON or a shell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sup::api {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Struct = std::vector<Member>;  // in the order written

// nil only ever comes from a request. A dateTime arrives as Opaque, its text, so that an operation that wants a plain
// string can tell it apart, and so does an integer beyond 64 bits; base64 arrives decoded, as a string.
struct Nil {
  bool operator==(const Nil&) const = default;
};
struct Opaque {
  std::string type;  // "dateTime.iso8601" or "int"
  std::string text;
  bool operator==(const Opaque&) const = default;
};

class Sink;

// A value that is told when it is written (sink.h) instead of being held as a tree. Only ever an answer, never an
// argument; `write` makes exactly one value, and whatever it refers to must still be there.
struct Stream {
  std::function<void(Sink&)> write;
  std::size_t size_hint = 0;  // bytes of text, roughly
  std::string edition = {};   // streams of the same edition tell the same value; empty: unlike any other
  bool operator==(const Stream&) const { return false; }
};

class Value {
 public:
  using Variant = std::variant<Nil, bool, std::int64_t, double, std::string, Opaque, Array, Struct, Stream>;

  Value() = default;
  Value(Nil) {}                                      // NOLINT: a Value is what it holds
  Value(bool b) : v_(b) {}                           // NOLINT: a Value is what it holds
  Value(int i) : v_(std::int64_t{i}) {}              // NOLINT
  Value(std::int64_t i) : v_(i) {}                   // NOLINT
  Value(double d) : v_(d) {}                         // NOLINT
  Value(std::string s) : v_(std::move(s)) {}         // NOLINT
  Value(std::string_view s) : v_(std::string(s)) {}  // NOLINT
  Value(const char* s) : v_(std::string(s)) {}       // NOLINT
  Value(Opaque o) : v_(std::move(o)) {}              // NOLINT
  Value(Array a) : v_(std::move(a)) {}               // NOLINT
  Value(Struct s) : v_(std::move(s)) {}              // NOLINT
  Value(Stream s) : v_(std::move(s)) {}              // NOLINT

  [[nodiscard]] const Variant& variant() const { return v_; }
  [[nodiscard]] const bool* boolean() const { return std::get_if<bool>(&v_); }
  [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(&v_); }
  [[nodiscard]] const double* real() const { return std::get_if<double>(&v_); }
  [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&v_); }
  [[nodiscard]] const Array* array() const { return std::get_if<Array>(&v_); }
  [[nodiscard]] const Struct* structure() const { return std::get_if<Struct>(&v_); }
  [[nodiscard]] const Stream* stream() const { return std::get_if<Stream>(&v_); }
  [[nodiscard]] bool is_nil() const { return std::holds_alternative<Nil>(v_); }

  // The member of that name of a struct, or nullptr.
  [[nodiscard]] const Value* find(std::string_view name) const {
    if (const Struct* members = structure())
      for (const Member& member : *members)
        if (member.first == name) return &member.second;
    return nullptr;
  }

  bool operator==(const Value&) const = default;

 private:
  Variant v_;
};

}  // namespace sup::api
