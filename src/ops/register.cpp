#include "ops/register.h"

#include "ops/definitions.h"

namespace sup::ops {

void Registrar::add(const Definition& definition) {
  const auto full_name = [&](std::string_view name) -> std::string_view {
    return context_.names.emplace_back(name_space_ + "." + std::string(name));
  };
  api::Operation operation;
  operation.name = full_name(definition.name);
  operation.summary = definition.summary;
  operation.parameters = definition.parameters;
  operation.returns = definition.returns;
  operation.hidden = definition.hidden;
  operation.handler = [&context = context_, handler = definition.handler, always = definition.always](
                          Arguments args, api::Reply reply) {
    if (!always && context.engine.mood() != engine::Mood::running) {
      reply(std::unexpected(api::make_fault(api::FaultCode::shutdown_state)));
      return;
    }
    handler(context, args, std::move(reply));
  };
  const std::string_view name = operation.name;
  table_.add(std::move(operation));
  if (!definition.alias.empty()) table_.alias(full_name(definition.alias), name);
}

void add_operations(api::OperationTable& table, const std::string& name_space, Context& context) {
  Registrar registrar(table, name_space, context);
  add_daemon_operations(registrar);
  add_process_operations(registrar);
  add_signal_operations(registrar);
  add_log_operations(registrar);
}

api::Answer<Target> find_target(const Context& context, const api::Value& name) {
  const auto spec = namespec(name);
  if (!spec) return std::unexpected(spec.error());
  engine::GroupEntry* group = context.engine.table().group(spec->group);
  engine::Entry* entry = group != nullptr && !spec->all ? group->find(spec->process) : nullptr;
  if (group == nullptr || (entry == nullptr && !spec->all)) {
    return std::unexpected(fault_about(api::FaultCode::bad_name, name));
  }
  return Target{group, entry};
}

api::Answer<engine::Entry*> find_process(const Context& context, const api::Value& name) {
  const auto target = find_target(context, name);
  if (!target) return std::unexpected(target.error());
  if (target->entry == nullptr) return std::unexpected(fault_about(api::FaultCode::bad_name, name));
  return target->entry;
}

api::Answer<engine::GroupEntry*> find_group(const Context& context, const api::Value& name) {
  // A list or struct cannot be the key of a Python dictionary.
  if (name.array() != nullptr || name.structure() != nullptr) {
    return std::unexpected(api::make_fault(api::FaultCode::incorrect_parameters));
  }
  const std::string* text = name.string();
  engine::GroupEntry* group = text != nullptr ? context.engine.table().group(*text) : nullptr;
  if (group == nullptr) return std::unexpected(fault_about(api::FaultCode::bad_name, name));
  return group;
}

std::vector<engine::Entry*> all_processes(const Context& context) {
  std::vector<engine::Entry*> entries;
  entries.reserve(context.engine.table().size());
  for (const engine::GroupEntry* group : context.engine.table().in_order()) {
    const auto members = group->by_priority();
    entries.insert(entries.end(), members.begin(), members.end());
  }
  return entries;
}

}  // namespace sup::ops
