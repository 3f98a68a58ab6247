#include "api/sink.h"

#include <string>
#include <utility>
#include <vector>

namespace sup::api {
namespace {

struct Teller {
  Sink& sink;

  void operator()(const Nil&) const { sink.nil(); }
  void operator()(bool b) const { sink.boolean(b); }
  void operator()(std::int64_t i) const { sink.integer(i); }
  void operator()(double d) const { sink.real(d); }
  void operator()(const std::string& s) const { sink.text(s); }
  void operator()(const Opaque& o) const { sink.opaque(o); }
  void operator()(const Array& items) const {
    sink.begin_array();
    for (const Value& item : items) tell(item, sink);
    sink.end_array();
  }
  void operator()(const Struct& members) const {
    sink.begin_struct();
    for (const auto& [name, value] : members) {
      sink.member(name);
      tell(value, sink);
    }
    sink.end_struct();
  }
  void operator()(const Stream& stream) const { stream.write(sink); }
};

// Puts a tree together again.
class TreeBuilder final : public Sink {
 public:
  void nil() override { put(Nil{}); }
  void boolean(bool value) override { put(value); }
  void integer(std::int64_t value) override { put(value); }
  void real(double value) override { put(value); }
  void text(std::string_view value) override { put(value); }
  void opaque(const Opaque& value) override { put(value); }
  void begin_array() override { open_.push_back({false, {}, {}, {}}); }
  void begin_struct() override { open_.push_back({true, {}, {}, {}}); }
  void member(std::string_view name) override { open_.back().name = name; }
  void end_array() override { close(); }
  void end_struct() override { close(); }

  Value take() { return std::move(result_); }

 private:
  struct Level {
    bool is_struct = false;
    std::string name;
    Array items;
    Struct members;
  };

  void put(Value value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().is_struct) {
      open_.back().members.emplace_back(std::move(open_.back().name), std::move(value));
    } else {
      open_.back().items.push_back(std::move(value));
    }
  }
  void close() {
    Level level = std::move(open_.back());
    open_.pop_back();
    put(level.is_struct ? Value(std::move(level.members)) : Value(std::move(level.items)));
  }

  std::vector<Level> open_;
  Value result_;
};

}  // namespace

void tell(const Value& value, Sink& sink) { std::visit(Teller{sink}, value.variant()); }

Value settle(Value value) {
  if (value.stream() == nullptr) return value;
  TreeBuilder builder;
  tell(value, builder);
  return builder.take();
}

}  // namespace sup::api
