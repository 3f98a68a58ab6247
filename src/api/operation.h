// The operation table: what can be asked of the daemon, whatever the wire format.
//
// An operation has a dotted name, parameters and a handler. The table checks the number of arguments, answers for
// names it does not have, and carries the `system.` operations itself (listMethods, methodHelp, methodSignature,
// multicall). Handlers check the types of their arguments; they answer now or later, exactly once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/errands.h"
#include "api/fault.h"
#include "api/value.h"

namespace sup::api {

// The way back of one call: to be called exactly once, at once or later, on the thread of the call. Dropping it
// uncalled leaves the caller without an answer, which the transport turns into its own error.
class Reply : public std::move_only_function<void(Answer<Value>)> {
 public:
  using std::move_only_function<void(Answer<Value>)>::move_only_function;

  Caller caller;  // for operations that take long; of what is wrapped around a reply it is to be copied
};

// The arguments live only until the handler returns, but see Caller.
using OperationHandler = std::function<void(std::span<const Value> args, Reply reply)>;

// All texts must outlive the table: string literals.
struct Parameter {
  std::string_view type;  // int, string, boolean, array, struct
  std::string_view name;
  std::string_view text;
  bool optional = false;  // only behind those that are not
};

struct Returns {
  std::string_view type;
  std::string_view name = "result";  // may be empty
  std::string_view text = {};
};

struct Operation {
  std::string_view name;     // "supervisor.startProcess"
  std::string_view summary;  // sentences; the first line of methodHelp
  std::vector<Parameter> parameters;
  Returns returns;
  OperationHandler handler;
  bool hidden = false;  // listMethods leaves it out: Supervisor has no such method
};

class OperationTable {
 public:
  OperationTable();
  OperationTable(const OperationTable&) = delete;  // its own operations refer to it
  OperationTable& operator=(const OperationTable&) = delete;

  // The name must be new.
  void add(Operation operation);
  // `name` does what `target`, already added, does.
  void alias(std::string_view name, std::string_view target);

  // nullptr when there is none of that name.
  [[nodiscard]] const Operation* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> names() const;  // sorted; without hidden ones

  // For operations that take long; until it is told, they take as long as they take. It outlives the table.
  void use(Errands& errands) { errands_ = &errands; }
  [[nodiscard]] Errands* errands() const { return errands_; }

  // Answers UNKNOWN_METHOD and INCORRECT_PARAMETERS itself.
  void call(std::string_view name, std::span<const Value> args, Reply reply) const;

  // What methodHelp answers: the summary, then a line `@param TYPE NAME TEXT` each, then `@return TYPE NAME TEXT`.
  [[nodiscard]] static std::string help(const Operation& operation);

 private:
  void add_system();

  std::map<std::string_view, Operation, std::less<>> operations_;
  Errands* errands_ = nullptr;
};

}  // namespace sup::api
