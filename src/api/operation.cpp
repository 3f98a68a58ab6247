#include "api/operation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/multicall.h"

namespace sup::api {
namespace {

std::size_t required(const Operation& operation) {
  return static_cast<std::size_t>(std::ranges::count(operation.parameters, false, &Parameter::optional));
}

std::unexpected<Fault> unsupported_signature() {
  return std::unexpected(make_fault(FaultCode::signature_unsupported));
}

// The operation that the first argument names; methodHelp and methodSignature have one fault for all that is none.
const Operation* named(const OperationTable& table, const Value& name) {
  const std::string* text = name.string();
  return text != nullptr ? table.find(*text) : nullptr;
}

Value signature(const Operation& operation) {
  Array types;
  types.emplace_back(operation.returns.type);
  for (const Parameter& parameter : operation.parameters)
    types.emplace_back(parameter.type);
  return types;
}

void append_tag(std::string& out, std::string_view tag, std::string_view type, std::string_view name,
                std::string_view text) {
  fmt::format_to(std::back_inserter(out), "@{} {}", tag, type);
  for (const std::string_view word : {name, text})
    if (!word.empty()) out.append(" ").append(word);
  out += '\n';
}

}  // namespace

OperationTable::OperationTable() {
  add_system();
}

void OperationTable::add(Operation operation) {
  const std::string_view name = operation.name;
  operations_.emplace(name, std::move(operation));
}

void OperationTable::alias(std::string_view name, std::string_view target) {
  if (const Operation* original = find(target)) {
    Operation copy = *original;
    copy.name = name;
    add(std::move(copy));
  }
}

const Operation* OperationTable::find(std::string_view name) const {
  const auto found = operations_.find(name);
  return found != operations_.end() ? &found->second : nullptr;
}

std::vector<std::string_view> OperationTable::names() const {
  std::vector<std::string_view> names;
  names.reserve(operations_.size());
  for (const auto& [name, operation] : operations_)
    if (!operation.hidden) names.push_back(name);
  return names;
}

void OperationTable::call(std::string_view name, std::span<const Value> args, Reply reply) const {
  const Operation* operation = find(name);
  if (operation == nullptr) return reply(std::unexpected(make_fault(FaultCode::unknown_method)));
  if (args.size() < required(*operation) || args.size() > operation->parameters.size())
    return reply(std::unexpected(make_fault(FaultCode::incorrect_parameters)));
  operation->handler(args, std::move(reply));
}

std::string OperationTable::help(const Operation& operation) {
  std::string out(operation.summary);
  out += "\n\n";
  for (const Parameter& parameter : operation.parameters)
    append_tag(out, "param", parameter.type, parameter.name, parameter.text);
  append_tag(out, "return", operation.returns.type, operation.returns.name, operation.returns.text);
  return out;
}

void OperationTable::add_system() {
  add({"system.listMethods",
       "List the names of all methods that can be called.",
       {},
       {"array", "result", "the names, sorted"},
       [this](std::span<const Value>, Reply reply) {
         Array list;
         for (const std::string_view name : names())
           list.emplace_back(name);
         reply(Value(std::move(list)));
       }});
  add({"system.methodHelp",
       "Tell what a method does.",
       {{"string", "name", "the method's name"}},
       {"string", "result", "its documentation"},
       [this](std::span<const Value> args, Reply reply) {
         const Operation* operation = named(*this, args[0]);
         if (operation == nullptr) return reply(unsupported_signature());
         reply(Value(help(*operation)));
       }});
  add({"system.methodSignature",
       "Tell the types of a method: first of what it returns, then of its parameters in order.",
       {{"string", "name", "the method's name"}},
       {"array", "result", "names of types"},
       [this](std::span<const Value> args, Reply reply) {
         const Operation* operation = named(*this, args[0]);
         if (operation == nullptr) return reply(unsupported_signature());
         reply(signature(*operation));
       }});
  add({"system.multicall",
       "Make several calls, one after the other, each when the one before is done. A call is a struct of methodName "
       "and "
       "params; what comes back for it is its result as it is, or a struct of faultCode and faultString.",
       {{"array", "calls", "the calls"}},
       {"array", "result", "one entry for each call"},
       [this](std::span<const Value> args, Reply reply) { multicall(*this, args[0], std::move(reply)); }});
}

}  // namespace sup::api
