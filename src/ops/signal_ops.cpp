// Signals and standard input.
#include <cerrno>

#include "ops/batch.h"
#include "ops/definitions.h"

namespace sup::ops {
namespace {

using api::FaultCode;
using api::make_fault;
using api::Value;
using engine::Entry;

void signal_one(Context& context, Entry& entry, const std::string& name, const Value& signal, ItemDone done) {
  const auto number = signal_number(signal);
  if (!number) return done(std::unexpected(number.error()));
  if (!process::can_signal(entry.machine.state)) {
    return done(std::unexpected(make_fault(FaultCode::not_running, name)));
  }
  context.engine.signal(entry, *number, [name, done = std::move(done)](engine::Answer answer) mutable {
    if (answer == engine::Answer::done) return done({});
    done(std::unexpected(make_fault(FaultCode::failed, "could not signal " + name)));
  });
}

void signal_many(Context& context, std::vector<Entry*> entries, const Value& signal, api::Reply reply) {
  std::erase_if(entries, [](const Entry* entry) { return !process::can_signal(entry->machine.state); });
  run_batch(
      entries,
      [&context, signal](Entry& entry, ItemDone done) {
        signal_one(context, entry, engine::namespec(entry), signal, std::move(done));
        return false;
      },
      std::move(reply));
}

void signal_process(Context& context, Arguments args, api::Reply reply) {
  const auto target = find_target(context, args[0]);
  if (!target) return reply(std::unexpected(target.error()));
  if (target->entry == nullptr) return signal_many(context, target->group->by_priority(), args[1], std::move(reply));
  signal_one(context, *target->entry, python_str(args[0]), args[1],
             [reply = std::move(reply)](api::Answer<void> answer) mutable {
               if (answer) return reply(Value(true));
               reply(std::unexpected(std::move(answer.error())));
             });
}

void signal_group(Context& context, Arguments args, api::Reply reply) {
  const auto group = find_group(context, args[0]);
  if (!group) return reply(std::unexpected(group.error()));
  signal_many(context, (*group)->by_priority(), args[1], std::move(reply));
}

void signal_all(Context& context, Arguments args, api::Reply reply) {
  signal_many(context, all_processes(context), args[0], std::move(reply));
}

void send_process_stdin(Context& context, Arguments args, api::Reply reply) {
  const std::string* chars = args[1].string();
  if (chars == nullptr) {
    return reply(std::unexpected(fault_about(FaultCode::incorrect_parameters, args[1])));
  }
  const auto entry = find_process(context, args[0]);
  if (!entry) return reply(std::unexpected(entry.error()));
  const std::string name = python_str(args[0]);
  const bool stopping = (*entry)->machine.state == process::State::stopping;
  if ((*entry)->machine.pid == 0 || stopping) return reply(std::unexpected(make_fault(FaultCode::not_running, name)));
  const Borrowed text(*chars, reply.caller.keeps_arguments);
  context.engine.send_input(**entry, text, [name, reply = std::move(reply)](Result<> sent) mutable {
    if (sent) return reply(Value(true));
    const bool closed = sent.error().code == EPIPE;
    reply(std::unexpected(closed ? make_fault(FaultCode::no_file, name)
                                 : make_fault(FaultCode::failed, sent.error().text)));
  });
}

// Texts are passed on whole, however long; what is none is shown.
std::string event_text(const Value& value) {
  const std::string* text = value.string();
  return text != nullptr ? *text : python_str(value);
}

events::Event remote_event(Arguments args) {
  events::Event event{events::Type::remote_communication, events::remote_body(event_text(args[0]), event_text(args[1]))};
  event.characters = utf8_length(event.body);
  return event;
}

void send_remote_comm_event(Context& context, Arguments args, api::Reply reply) {
  if (!context.engine.wants(events::Type::remote_communication)) return reply(Value(true));
  const api::Caller caller = reply.caller;
  if (caller.keeps_arguments == nullptr || context.errands == nullptr) {
    context.engine.emit(remote_event(args));
    return reply(Value(true));
  }
  const auto event = std::make_shared<events::Event>();
  context.errands->run(caller, [args, caller, event] { *event = remote_event(args); },
                       [&context, event, reply = std::move(reply)]() mutable {
                         context.engine.emit(std::move(*event));
                         reply(Value(true));
                       });
}

const api::Parameter name_parameter{"string", "name", "the process, as name or group:name"};
const api::Parameter signal_parameter{"string", "signal", "the signal by name (HUP) or number (1)"};

}  // namespace

void add_signal_operations(Registrar& registrar) {
  registrar.add({"signalProcess", "Send a signal to a process.", {name_parameter, signal_parameter}, {"boolean", ""},
                 signal_process});
  registrar.add({"signalProcessGroup", "Send a signal to every process of a group.",
                 {{"string", "name", "the group"}, signal_parameter}, {"array", ""}, signal_group});
  registrar.add({"signalAllProcesses", "Send a signal to every process.", {signal_parameter},
                 {"array", "An", "array of status structs"}, signal_all});
  registrar.add({"sendProcessStdin",
                 "Write text to the standard input of a process; what is not ASCII arrives as UTF-8.",
                 {name_parameter, {"string", "chars", "what to write"}},
                 {"boolean", "result", "true, unless it fails"}, send_process_stdin});
  registrar.add({"sendRemoteCommEvent", "Send an event to the listeners that subscribe to REMOTE_COMMUNICATION.",
                 {{"string", "type", "the type line of the event"}, {"string", "data", "its body"}},
                 {"boolean", "Always", "true"}, send_remote_comm_event, {}, true});
}

}  // namespace sup::ops
