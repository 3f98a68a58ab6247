// Inside ops/: how the files of operations hand theirs to register.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/operation.h"
#include "ops/arguments.h"
#include "ops/context.h"

namespace sup::ops {

// Adds operations under one namespace; each answers SHUTDOWN_STATE while the daemon stops, unless it says otherwise.
class Registrar {
 public:
  using Handler = void (*)(Context&, Arguments, api::Reply);

  struct Definition {
    std::string_view name;  // without namespace
    std::string_view summary;
    std::vector<api::Parameter> parameters;
    api::Returns returns;
    Handler handler = nullptr;
    std::string_view alias = {};  // a second name
    bool always = false;          // also while the daemon stops
    bool hidden = false;          // see api::Operation
  };

  Registrar(api::OperationTable& table, std::string name_space, Context& context)
      : table_(table), name_space_(std::move(name_space)), context_(context) {}
  void add(const Definition& definition);

 private:
  api::OperationTable& table_;
  std::string name_space_;
  Context& context_;
};

void add_daemon_operations(Registrar& registrar);
void add_process_operations(Registrar& registrar);
void add_signal_operations(Registrar& registrar);
void add_log_operations(Registrar& registrar);

// The process that a name argument means, or the group when it means all of one.
struct Target {
  engine::GroupEntry* group = nullptr;
  engine::Entry* entry = nullptr;  // nullptr: the whole group
};
[[nodiscard]] api::Answer<Target> find_target(const Context& context, const api::Value& name);
// A single process; a name that means a group is BAD_NAME.
[[nodiscard]] api::Answer<engine::Entry*> find_process(const Context& context, const api::Value& name);
[[nodiscard]] api::Answer<engine::GroupEntry*> find_group(const Context& context, const api::Value& name);
// Those of all groups, in the order of the groups, by priority in each.
[[nodiscard]] std::vector<engine::Entry*> all_processes(const Context& context);

// Answers with what `make` returns, which is called on another thread unless it is quick.
template <class Make>
void answer_with(Context& context, bool quick, Make make, api::Reply reply) {
  if (quick || context.errands == nullptr) return reply(make());
  const auto answer = std::make_shared<std::optional<api::Answer<api::Value>>>();
  const api::Caller caller = reply.caller;
  context.errands->run(
      caller,
      [answer, caller, make = std::move(make)]() mutable {
        if (!caller.is_gone()) *answer = make();
      },
      [answer, reply = std::move(reply)]() mutable {
        if (*answer) reply(std::move(**answer));
      });
}

}  // namespace sup::ops
