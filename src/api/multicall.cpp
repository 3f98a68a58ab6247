#include "api/multicall.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "api/sink.h"

namespace sup::api {
namespace {

constexpr std::string_view own_name = "system.multicall";

Value as_struct(const Fault& fault) {
  return Struct{{"faultCode", static_cast<int>(fault.code)}, {"faultString", fault.text}};
}

std::unexpected<Fault> incorrect(std::optional<std::string_view> extra = {}) {
  return std::unexpected(make_fault(FaultCode::incorrect_parameters, extra));
}

// One multicall on its way. It is kept alive by the reply of the call it waits for.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(const OperationTable& table, Array calls, Reply reply)
      : table_(table), calls_(std::move(calls)), reply_(std::move(reply)) {
    results_.reserve(calls_.size());
  }

  // Makes calls until one does not answer at once. Answers that come while a call is being made are picked up by the
  // loop here: a thousand quick calls need no deeper stack than one.
  void run() {
    while (results_.size() < calls_.size()) {
      const std::size_t before = results_.size();
      calling_ = true;
      call(calls_[before]);
      calling_ = false;
      if (results_.size() == before) return;
    }
    reply_(Value(std::move(results_)));
  }

 private:
  void call(const Value& entry) {
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
    table_.call(*text, args, [self = shared_from_this()](Answer<Value> answer) { self->finish(std::move(answer)); });
  }

  void finish(Answer<Value> answer) {
    // What a later call changes must not show in the result of an earlier one.
    results_.push_back(answer ? settle(std::move(*answer)) : as_struct(answer.error()));
    if (!calling_) run();
  }

  const OperationTable& table_;
  Array calls_;
  Array results_;
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
