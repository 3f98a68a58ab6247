#include "keeper/telling.h"

#include <utility>

#include "keeper/protocol.h"

namespace sup::keeper {
namespace {

bool deliver_spawned(Notices& notices, Frame& frame) {
  Reader reader(frame.payload);
  Spawned child;
  child.pid = reader.i32();
  const std::uint8_t which = reader.u8();
  if (!reader.ok() || !take_fds(frame, which, child.in, child.out, child.err)) return false;
  child.lost = frame.lost;
  notices.on_spawned(frame.id, std::move(child));
  return true;
}

bool deliver_spawn_failed(Notices& notices, const Frame& frame) {
  Reader reader(frame.payload);
  const int stage = reader.i32();
  const int code = reader.i32();
  if (!reader.ok() || stage < 0 || stage > static_cast<int>(SpawnStage::fork)) return false;
  notices.on_spawned(frame.id, std::unexpected(SpawnFailure{static_cast<SpawnStage>(stage), code}));
  return true;
}

bool deliver_lent(Notices& notices, Frame& frame) {
  if (frame.fds.size() > 1) return false;
  notices.on_lent(frame.id, frame.fds.empty() ? UniqueFd() : std::move(frame.fds[0]), frame.lost);
  return true;
}

bool deliver_exited(Notices& notices, const Frame& frame) {
  Reader reader(frame.payload);
  const pid_t pid = reader.i32();
  Exit exit;
  if (!decode(reader, exit)) return false;
  exit.at = reader.u64();  // a keeper of an older version does not say
  notices.on_exited(frame.id, pid, exit);
  return true;
}

// The verbs whose payload is two numbers or one.
bool deliver_numbers(Notices& notices, const Frame& frame) {
  Reader reader(frame.payload);
  const int first = reader.i32();
  if (!reader.ok()) return false;
  if (frame.verb == static_cast<std::uint16_t>(Notice::daemon_signal)) {
    notices.on_daemon_signal(first);
    return true;
  }
  const int second = reader.i32();
  if (!reader.ok()) return false;
  if (frame.verb == static_cast<std::uint16_t>(Notice::signalled)) {
    notices.on_signalled(frame.id, first, second);
  } else {
    notices.on_orphan(first, second);
  }
  return true;
}

}  // namespace

bool tell(Notices& notices, Frame& frame) {
  switch (static_cast<Notice>(frame.verb)) {
    case Notice::spawned:
      return deliver_spawned(notices, frame);
    case Notice::spawn_failed:
      return deliver_spawn_failed(notices, frame);
    case Notice::exited:
      return deliver_exited(notices, frame);
    case Notice::lent:
      return deliver_lent(notices, frame);
    case Notice::signalled:
    case Notice::orphan:
    case Notice::daemon_signal:
      return deliver_numbers(notices, frame);
    case Notice::hello:
    case Notice::child:
    case Notice::held:
    case Notice::end:
    case Notice::configured:
    case Notice::inspected:
    case Notice::handing_over:
      return true;
  }
  return true;
}

}  // namespace sup::keeper
