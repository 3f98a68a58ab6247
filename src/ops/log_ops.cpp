// Reading and clearing the logs of the daemon and its processes.
#include <sys/stat.h>

#include <utility>

#include "logs/read.h"
#include "ops/batch.h"
#include "ops/definitions.h"

namespace sup::ops {
namespace {

using api::FaultCode;
using api::make_fault;
using api::Value;
using engine::Entry;

// No file at all has no path to show.
api::Fault no_file(const std::string& path) {
  return path.empty() ? make_fault(FaultCode::no_file) : make_fault(FaultCode::no_file, path);
}

bool exists(const std::string& path) {
  struct stat status {};
  return !path.empty() && stat(path.c_str(), &status) == 0;
}

struct Slice {
  std::int64_t offset = 0;
  std::int64_t length = 0;
};

api::Answer<Slice> slice(const Value& offset, const Value& length) {
  const auto from = integer(offset);
  if (!from) return std::unexpected(from.error());
  const auto count = integer(length);
  if (!count) return std::unexpected(count.error());
  return Slice{*from, *count};
}

constexpr std::int64_t quickly_read = 64 * 1024;

api::Answer<Value> read_slice(const std::string& path, const Slice& wanted) {
  auto bytes = logs::read_slice(path, wanted.offset, wanted.length);
  if (bytes) return Value(logs::readable(*bytes));
  switch (bytes.error()) {
    case logs::ReadFailure::bad_arguments: return std::unexpected(make_fault(FaultCode::bad_arguments));
    case logs::ReadFailure::no_file: return std::unexpected(no_file(path));
    case logs::ReadFailure::failed: break;
  }
  return std::unexpected(make_fault(FaultCode::failed));
}

bool is_quick(const std::string& path, const Slice& wanted) {
  if (wanted.length != 0) return wanted.length <= quickly_read;
  if (wanted.offset < 0) return wanted.offset >= -quickly_read;
  struct stat status {};
  return stat(path.c_str(), &status) != 0 || status.st_size - wanted.offset <= quickly_read;
}

void reply_with_slice(Context& context, const std::string& path, const Slice& wanted, api::Reply reply) {
  answer_with(context, is_quick(path, wanted), [path, wanted] { return read_slice(path, wanted); }, std::move(reply));
}

void read_process_log(Context& context, Arguments args, Channel channel, api::Reply reply) {
  const auto entry = find_process(context, args[0]);
  if (!entry) return reply(std::unexpected(entry.error()));
  const std::string& path = channel == Channel::out ? (*entry)->out_path : (*entry)->err_path;
  if (!exists(path)) return reply(std::unexpected(no_file(path)));
  const auto wanted = slice(args[1], args[2]);
  if (!wanted) return reply(std::unexpected(wanted.error()));
  reply_with_slice(context, path, *wanted, std::move(reply));
}

void tail_process_log(Context& context, Arguments args, Channel channel, api::Reply reply) {
  const auto entry = find_process(context, args[0]);
  if (!entry) return reply(std::unexpected(entry.error()));
  const std::string& path = channel == Channel::out ? (*entry)->out_path : (*entry)->err_path;
  if (!exists(path)) return reply(Value(api::Array{"", 0, false}));
  const auto wanted = slice(args[1], args[2]);
  if (!wanted) return reply(std::unexpected(wanted.error()));
  const auto read = [path, slice = *wanted]() -> api::Answer<Value> {
    const logs::Tail tail = logs::tail(path, slice.offset, slice.length);
    return Value(api::Array{logs::readable(tail.bytes), tail.offset, tail.overflow});
  };
  answer_with(context, wanted->length <= quickly_read, read, std::move(reply));
}

void read_stdout(Context& c, Arguments a, api::Reply r) { read_process_log(c, a, Channel::out, std::move(r)); }
void read_stderr(Context& c, Arguments a, api::Reply r) { read_process_log(c, a, Channel::err, std::move(r)); }
void tail_stdout(Context& c, Arguments a, api::Reply r) { tail_process_log(c, a, Channel::out, std::move(r)); }
void tail_stderr(Context& c, Arguments a, api::Reply r) { tail_process_log(c, a, Channel::err, std::move(r)); }

void clear_one(Context& context, Entry& entry, const std::string& name, ItemDone done) {
  context.engine.clear_logs(entry, [name, done = std::move(done)](int code) mutable {
    if (code == 0) return done({});
    done(std::unexpected(make_fault(FaultCode::failed, name)));
  });
}

void clear_process_logs(Context& context, Arguments args, api::Reply reply) {
  const auto entry = find_process(context, args[0]);
  if (!entry) return reply(std::unexpected(entry.error()));
  clear_one(context, **entry, python_str(args[0]), [reply = std::move(reply)](api::Answer<void> answer) mutable {
    if (answer) return reply(Value(true));
    reply(std::unexpected(std::move(answer.error())));
  });
}

void clear_all_process_logs(Context& context, Arguments, api::Reply reply) {
  run_batch(
      all_processes(context),
      [&context](Entry& entry, ItemDone done) {
        clear_one(context, entry, engine::namespec(entry), std::move(done));
        return false;
      },
      std::move(reply));
}

void read_log(Context& context, Arguments args, api::Reply reply) {
  const std::string path = context.supervisor.main_log_path();
  if (!exists(path)) {
    return reply(std::unexpected(no_file(path.empty() ? context.supervisor.config().daemon.logfile : path)));
  }
  const auto wanted = slice(args[0], args[1]);
  if (!wanted) return reply(std::unexpected(wanted.error()));
  reply_with_slice(context, path, *wanted, std::move(reply));
}

void clear_log(Context& context, Arguments, api::Reply reply) {
  if (!exists(context.supervisor.main_log_path())) return reply(std::unexpected(make_fault(FaultCode::no_file)));
  if (!context.supervisor.clear_main_log()) return reply(std::unexpected(make_fault(FaultCode::failed)));
  reply(Value(true));
}

const api::Parameter name_parameter{"string", "name", "the process, as name or group:name"};
const api::Parameter offset_parameter{"int", "offset", "where to begin; negative: so many bytes before the end"};
const api::Parameter length_parameter{"int", "length", "how many bytes at most; 0: to the end"};
const api::Parameter tail_offset{"int", "offset", "where to begin"};
const api::Parameter tail_length{"int", "length", "how many bytes at most"};
const api::Returns log_bytes{"string", "result", "the bytes of the log"};
const api::Returns tail_result{"array", "result", "text, the offset of the end, and whether there was more"};
const api::Returns always_true{"boolean", "result", "true, unless it fails"};

}  // namespace

void add_log_operations(Registrar& registrar) {
  registrar.add({"readLog", "Read from the daemon's own log.", {offset_parameter, length_parameter}, log_bytes, read_log,
                 "readMainLog"});
  registrar.add({"clearLog", "Empty the daemon's own log.", {}, always_true, clear_log});
  registrar.add({"readProcessStdoutLog", "Read from the stdout log of a process.",
                 {name_parameter, offset_parameter, length_parameter}, log_bytes, read_stdout, "readProcessLog"});
  registrar.add({"readProcessStderrLog", "Read from the stderr log of a process.",
                 {name_parameter, offset_parameter, length_parameter}, log_bytes, read_stderr});
  registrar.add({"tailProcessStdoutLog", "Read the end of the stdout log of a process.",
                 {name_parameter, tail_offset, tail_length}, tail_result, tail_stdout, "tailProcessLog"});
  registrar.add({"tailProcessStderrLog", "Read the end of the stderr log of a process.",
                 {name_parameter, tail_offset, tail_length}, tail_result, tail_stderr});
  registrar.add({"clearProcessLogs", "Empty both logs of a process.", {name_parameter}, always_true, clear_process_logs,
                 "clearProcessLog"});
  registrar.add({"clearAllProcessLogs", "Empty the logs of all processes.", {},
                 {"array", "result", "a status struct for each process"}, clear_all_process_logs});
}

}  // namespace sup::ops
