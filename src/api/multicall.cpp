#include "api/multicall.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "api/sink.h"

namespace sup::api {
namespace {

constexpr std::string_view own_name = "system.multicall";
constexpr std::chrono::microseconds slice{100};                 // of calls, before others have their turn
constexpr std::size_t largest_results = 128UL * 1024 * 1024;  // of all calls together; the rest is refused

// Bytes in memory, roughly.
std::size_t size_of(const Value& value) {
  std::size_t size = sizeof value;
  if (const std::string* text = value.string()) size += text->size();
  if (const Array* items = value.array())
    for (const Value& item : *items)
      size += size_of(item);
  if (const Struct* members = value.structure())
    for (const auto& [name, item] : *members)
      size += sizeof name + size_of(item);
  return size;
}

Value as_struct(const Fault& fault) {
  return Struct{{"faultCode", static_cast<int>(fault.code)}, {"faultString", fault.text}};
}

std::unexpected<Fault> incorrect(std::optional<std::string_view> extra = {}) {
  return std::unexpected(make_fault(FaultCode::incorrect_parameters, extra));
}

// One multicall on its way. It is kept alive by the reply of the call it waits for, or by the errand that goes on with it.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(const OperationTable& table, const Array& calls, Reply reply)
      : table_(table), arguments_(reply.caller.keeps_arguments), reply_(std::move(reply)) {
    if (arguments_ == nullptr) arguments_ = copy_ = std::make_shared<Array>(calls);
    calls_ = copy_ != nullptr ? copy_.get() : &calls;
    results_.reserve(calls_->size());
  }

  // Makes calls until one does not answer at once. Answers that come while a call is being made are picked up by the
  // loop here: a thousand quick calls need no deeper stack than one.
  void run() {
    using SteadyClock = std::chrono::steady_clock;
    const auto end = SteadyClock::now() + slice;
    while (results_.size() < calls_->size()) {
      if (reply_.caller.is_gone()) return;
      const std::size_t before = results_.size();
      calling_ = true;
      call((*calls_)[before]);
      calling_ = false;
      if (results_.size() == before) return;
      if (table_.errands() != nullptr && SteadyClock::now() >= end) return go_on_later();
    }
    // Whoever is to free the arguments, it is not us.
    copy_ = nullptr;
    arguments_ = nullptr;
    reply_.caller.keeps_arguments = nullptr;
    reply_(Value(std::move(results_)));
  }

 private:
  void go_on_later() {
    table_.errands()->later(reply_.caller, [self = shared_from_this()] { self->run(); });
  }

  void call(const Value& entry) {
    if (size_ > largest_results) return finish(std::unexpected(make_fault(FaultCode::failed, "the results are too large")));
    const Value* name = entry.find("methodName");
    if (name == nullptr || name->is_nil()) return finish(incorrect("No methodName"));
    const std::string* text = name->string();
    if (text == nullptr) return finish(std::unexpected(make_fault(FaultCode::failed, "methodName is not a string")));
    if (*text == own_name) return finish(incorrect("Recursive system.multicall forbidden"));
    std::span<const Value> args;
    if (const Value* params = entry.find("params")) {
      const Array* array = params->array();
      if (array == nullptr && table_.find(*text) != nullptr) return finish(incorrect());
      if (array != nullptr) args = *array;
    }
    Reply reply([self = shared_from_this()](Answer<Value> answer) { self->finish(std::move(answer)); });
    reply.caller = reply_.caller;
    table_.call(*text, args, std::move(reply));
  }

  void finish(Answer<Value> answer) {
    // What a later call changes must not show in the result of an earlier one.
    results_.push_back(answer ? settle(std::move(*answer)) : as_struct(answer.error()));
    size_ += size_of(results_.back());
    if (!calling_) run();
  }

  const OperationTable& table_;
  std::shared_ptr<const void> arguments_;  // what calls_ points into lives with it
  std::shared_ptr<const Array> copy_;
  const Array* calls_ = nullptr;
  Array results_;
  std::size_t size_ = 0;  // of the results
  Reply reply_;
  bool calling_ = false;
};

}  // namespace

void multicall(const OperationTable& table, const Value& calls, Reply reply) {
  const Array* list = calls.array();
  if (list == nullptr) return reply(incorrect());
  if (!std::ranges::all_of(*list, [](const Value& entry) { return entry.structure() != nullptr; }))
    return reply(incorrect("a call is not a struct"));
  std::make_shared<Batch>(table, *list, std::move(reply))->run();
}

}  // namespace sup::api
