// Golden records (golden.h) of what listeners have not been told yet: the event of a change in the record of its process,
// and what manager and listener were saying to each other when the manager ended.
#pragma once

#include "engine/talk.h"
#include "support/golden.h"

namespace sup::golden {

struct Untold {
  engine::ProcessRecord record;
};

inline Untold sample_untold() {
  engine::ProcessRecord record = sample_process();
  record.event = "PROCESS_STATE_EXITED";
  record.event_body = std::string("processname:a groupname:b from_state:RUNNING expected:0 pid:7\0", 62);
  record.event_serial = 4'000'000'000'000;
  return {record};
}

inline Result<Untold> read_untold(std::string_view bytes) {
  auto record = engine::read_process_record(bytes);
  if (!record) return std::unexpected(record.error());
  return Untold{std::move(*record)};
}

inline Lines describe(const Untold& untold) {
  Lines lines = describe(untold.record);
  lines.push_back("event " + untold.record.event);
  lines.push_back("event_body " + python_bytes_repr(untold.record.event_body));
  lines.push_back(fmt::format("event_serial {}", untold.record.event_serial));
  return lines;
}

// ---- talk.h

// What it is after a manager that was killed in the middle of an event and of an answer.
struct TalkLeft {
  bool holds = false;
  std::string to_listener;
  std::string from_listener;
};

constexpr std::uint64_t talk_serial = 4'000'000'001;
constexpr std::uint64_t dealt_with = 4;

inline Result<std::string> sample_talk() {
  const auto talk = engine::Talk::begin();
  int ends[2];
  if (!talk || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail("no memory or no pipe");
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  // The pipe has room for one page: the rest stays behind.
  if (fcntl(in.get(), F_SETPIPE_SZ, 4096) < 0 || write(in.get(), "READY\nRES", 9) != 9) return fail("no such pipe");
  char buffer[64];
  if (talk->take(out.get(), buffer) != 9) return fail("nothing is taken");
  if (!talk->lay_down(talk_serial, std::string(3 * 4096, 'x') + "the end")) return fail("nothing is laid down");
  static_cast<void>(talk->move(in.get()));
  const auto memory = os::read_memory_file(talk->memory());
  if (!memory) return std::unexpected(memory.error());
  return compress(*memory);
}

inline Result<TalkLeft> read_talk(std::string_view record) {
  const std::string bytes = decompress(record);
  const UniqueFd memory(memfd_create("golden", MFD_CLOEXEC));
  int ends[2];
  if (!memory || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail("no memory or no pipe");
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  if (write(memory.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return fail("no room");
  const auto talk = engine::Talk::go_on(memory.get());
  if (!talk) return fail("of another format");
  TalkLeft left{.holds = talk->holds(talk_serial), .to_listener = std::string(65536, '\0'), .from_listener = {}};
  if (const auto moved = talk->move(in.get()); !moved || !*moved) return fail("it is not moved");
  const ssize_t got = read(out.get(), left.to_listener.data(), left.to_listener.size());
  left.to_listener.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  left.from_listener = talk->again(dealt_with);
  return left;
}

inline Lines describe(const TalkLeft& left) {
  const std::string_view to = left.to_listener;
  const std::string_view end = to.substr(to.size() - std::min<std::size_t>(to.size(), 9));
  return {fmt::format("holds {}", left.holds),
          fmt::format("to the listener {} bytes, {}", to.size(), python_bytes_repr(end)),
          "from the listener " + python_bytes_repr(left.from_listener)};
}

}  // namespace sup::golden
