#include "keeper/client.h"

#include <malloc.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "keeper/protocol.h"
#include "keeper/telling.h"
#include "keeper/wire.h"

namespace sup::keeper {
namespace {

const Error gone{EPIPE, "the keeper is gone"};
// Fits into one datagram, so that the signal cannot be lost with it.
constexpr std::size_t longest_record_with_signal = max_datagram / 2;

// A notice that came while something else was waited for.
struct Kept {
  std::uint16_t verb = 0;
  std::uint32_t id = 0;
  std::string payload;
  std::vector<UniqueFd> fds;
  bool lost = false;
};

}  // namespace

struct Client::Impl {
  explicit Impl(UniqueFd fd) : socket(std::move(fd)) {}

  void send(Request request, ProcessId id = 0, std::string_view payload = {}, std::initializer_list<int> fds = {}) {
    sender.send(socket.get(), static_cast<std::uint16_t>(request), id, payload, fds);
  }
  void refuse(ProcessId id, SpawnStage stage, int code);
  [[nodiscard]] short wait(short events);
  void send_all();
  void keep(Frame& frame);
  void keep_what_is_there();
  bool deliver(Notices& notices, Frame& frame);
  bool deliver_inspected(Frame& frame);
  bool next(Frame& frame);
  bool restore_one(Restored& restored, Frame& frame);

  UniqueFd socket;
  Sender sender;
  Receiver receiver;
  bool in_datagram = false;  // receiver holds a datagram that was not read to its end
  std::deque<Kept> kept;
  std::deque<std::move_only_function<void(Result<Inspection>)>> inspections;
  std::uint32_t protocol = 0;
  pid_t keeper = 0;
  std::string version;
  Replacement replacement = Replacement::none;
  int replacement_error = 0;
  bool closed = false;
};

void Client::Impl::refuse(ProcessId id, SpawnStage stage, int code) {
  Writer writer;
  writer.i32(static_cast<int>(stage));
  writer.i32(code);
  send(Request::refuse, id, writer.bytes());
}

// What happened, 0 when nothing ever will.
short Client::Impl::wait(short events) {
  pollfd fd{socket.get(), events, 0};
  while (poll(&fd, 1, -1) < 0) {
    if (errno != EINTR) return 0;
  }
  return fd.revents;
}

// Listens meanwhile: a keeper that has something to say reads nothing before it is said.
void Client::Impl::send_all() {
  while (!sender.empty()) {
    const short events = wait(closed ? POLLOUT : POLLIN | POLLOUT);
    if (events == 0) return;
    if ((events & POLLIN) != 0) keep_what_is_there();
    sender.flush(socket.get());
  }
}

void Client::Impl::keep(Frame& frame) {
  Kept& item = kept.emplace_back();
  item.verb = frame.verb;
  item.id = frame.id;
  item.payload = frame.payload;
  item.lost = frame.lost;
  for (UniqueFd& fd : frame.fds)
    item.fds.push_back(std::move(fd));
}

void Client::Impl::keep_what_is_there() {
  Frame frame;
  while (!closed) {
    if (!in_datagram) {
      const Receiver::Got got = receiver.receive(socket.get());
      if (got == Receiver::Got::nothing) return;
      closed = got == Receiver::Got::closed;
      in_datagram = got == Receiver::Got::datagram;
      continue;
    }
    const Receiver::Next next = receiver.next(frame);
    if (next == Receiver::Next::frame) keep(frame);
    in_datagram = next == Receiver::Next::frame;
    closed = next == Receiver::Next::broken;
  }
}

bool Client::Impl::deliver(Notices& notices, Frame& frame) {
  const bool ours = frame.verb == static_cast<std::uint16_t>(Notice::inspected);
  return ours ? deliver_inspected(frame) : tell(notices, frame);
}

bool Client::Impl::deliver_inspected(Frame& frame) {
  if (inspections.empty()) return false;
  auto done = std::move(inspections.front());
  inspections.pop_front();
  Reader reader(frame.payload);
  const int code = reader.i32();
  Inspection inspection;
  inspection.differs = reader.u8() != 0;
  inspection.program = reader.text();
  if (!reader.ok()) return false;
  if (frame.lost || frame.fds.size() != 1) {
    done(std::unexpected(system_error("the keeper could not hand over its state", {}, code != 0 ? code : EMFILE)));
    return true;
  }
  inspection.state = std::move(frame.fds[0]);
  done(std::move(inspection));
  return true;
}

// The next frame, waited for. False when the keeper is gone or talks nonsense.
bool Client::Impl::next(Frame& frame) {
  while (!closed) {
    if (in_datagram) {
      switch (receiver.next(frame)) {
        case Receiver::Next::frame:
          return true;
        case Receiver::Next::end:
          in_datagram = false;
          break;
        case Receiver::Next::broken:
          closed = true;
          return false;
      }
    }
    switch (receiver.receive(socket.get())) {
      case Receiver::Got::datagram:
        in_datagram = true;
        break;
      case Receiver::Got::closed:
        closed = true;
        break;
      case Receiver::Got::nothing:
        if (wait(POLLIN) == 0) closed = true;
        break;
    }
  }
  return false;
}

bool Client::Impl::restore_one(Restored& restored, Frame& frame) {
  Reader reader(frame.payload);
  switch (static_cast<Notice>(frame.verb)) {
    case Notice::hello:
      protocol = reader.u32();
      keeper = reader.i32();
      restored.fresh = reader.u8() != 0;
      version = reader.text();
      replacement = static_cast<Replacement>(reader.u8());
      replacement_error = reader.i32();
      return reader.ok();
    case Notice::child: {
      Restored::Child child;
      child.id = frame.id;
      child.pid = reader.i32();
      const std::uint8_t which = reader.u8();
      child.record = reader.text();
      if (frame.lost && frame.payload.empty()) return true;
      if (!reader.ok() || !take_fds(frame, which, child.in, child.out, child.err)) return false;
      child.lost = frame.lost;
      restored.children.push_back(std::move(child));
      return true;
    }
    case Notice::held: {
      const std::string name(reader.text());
      if (!reader.ok() || (!frame.lost && frame.fds.size() != 1)) return false;
      if (!frame.lost) restored.held[name] = std::move(frame.fds[0]);
      return true;
    }
    case Notice::end:
    case Notice::spawned:
    case Notice::spawn_failed:
    case Notice::signalled:
    case Notice::exited:
    case Notice::orphan:
    case Notice::daemon_signal:
    case Notice::configured:
    case Notice::inspected:
    case Notice::handing_over:
    case Notice::lent:
      return true;
  }
  return true;
}

Client::Client(UniqueFd socket) : impl_(std::make_unique<Impl>(std::move(socket))) {}
Client::~Client() = default;

Result<Restored> Client::restore() {
  Restored restored;
  Frame frame;
  while (impl_->next(frame)) {
    if (frame.verb == static_cast<std::uint16_t>(Notice::end)) return restored;
    if (!impl_->restore_one(restored, frame)) {
      impl_->closed = true;
      return fail("the keeper's answer makes no sense", EPROTO);
    }
  }
  return std::unexpected(gone);
}

Result<> Client::configure(const KeeperSettings& settings) {
  Writer writer;
  encode(writer, settings);
  if (writer.holds_nul()) return fail("a directory's name holds a zero byte", EINVAL);
  impl_->send(Request::configure, 0, writer.bytes());
  impl_->send_all();
  Frame frame;
  while (impl_->next(frame)) {
    if (frame.verb == static_cast<std::uint16_t>(Notice::configured)) {
      Reader reader(frame.payload);
      const int code = reader.i32();
      std::string text(reader.text());
      if (text.empty() && code == 0) return {};
      return fail(std::move(text), code);
    }
    impl_->keep(frame);
  }
  return std::unexpected(gone);
}

void Client::daemonize() {
  impl_->send(Request::daemonize);
  impl_->send_all();
}

void Client::serving() {
  impl_->send(Request::serving);
}

void Client::ready() {
  impl_->send(Request::ready);
}

void Client::quit(int exit_code) {
  Writer writer;
  writer.i32(exit_code);
  impl_->send(Request::quit, 0, writer.bytes());
  impl_->send_all();
}

pid_t Client::keeper_pid() const {
  return impl_->keeper;
}

const std::string& Client::keeper_version() const {
  return impl_->version;
}

Replacement Client::replacement() const {
  return impl_->replacement;
}

int Client::replacement_error() const {
  return impl_->replacement_error;
}

void Client::inspect(std::move_only_function<void(Result<Inspection>)> done) {
  impl_->inspections.push_back(std::move(done));
  impl_->send(Request::inspect);
}

void Client::hand_over(bool keeper_too) {
  Writer writer;
  writer.u8(keeper_too ? 1 : 0);
  impl_->send(Request::hand_over, 0, writer.bytes());
  impl_->send_all();
  constexpr auto last = static_cast<std::uint16_t>(Notice::handing_over);
  const auto is_last = [](const Kept& kept) { return kept.verb == last; };
  Frame frame;
  while (std::ranges::none_of(impl_->kept, is_last) && impl_->next(frame))
    impl_->keep(frame);
  for (const Kept& kept : impl_->kept) {
    if (kept.verb == static_cast<std::uint16_t>(Notice::daemon_signal)) {
      impl_->send(Request::repeat_signal, 0, kept.payload);
    }
  }
  impl_->send_all();
}

int Client::fd() const {
  return impl_->socket.get();
}

void Client::receive(Notices& notices) {
  Impl& impl = *impl_;
  while (!impl.kept.empty()) {
    Kept kept = std::move(impl.kept.front());
    impl.kept.pop_front();
    Frame frame{kept.verb, kept.id, kept.payload, kept.fds, kept.lost};
    if (!impl.deliver(notices, frame)) impl.closed = true;
  }
  while (!impl.closed) {
    if (!impl.in_datagram) {
      const Receiver::Got got = impl.receiver.receive(impl.socket.get());
      if (got == Receiver::Got::nothing) return;
      impl.closed = got == Receiver::Got::closed;
      impl.in_datagram = got == Receiver::Got::datagram;
      continue;
    }
    Frame frame;
    const Receiver::Next next = impl.receiver.next(frame);
    if (next == Receiver::Next::end) {
      impl.in_datagram = false;
    } else if (next == Receiver::Next::broken || !impl.deliver(notices, frame)) {
      impl.closed = true;
    }
  }
  notices.on_keeper_gone();
}

bool Client::wants_write() const {
  return !impl_->sender.empty();
}

void Client::flush() {
  const bool waited = !impl_->sender.empty();
  impl_->sender.flush(impl_->socket.get());
  // A burst, like the start of a thousand programs, is over: what it took goes back to the system, and with it what
  // reading the configuration has left.
  if (waited && impl_->sender.empty()) ::malloc_trim(0);
}

void Client::spawn(ProcessId id, const Plan& plan, std::string_view record, int socket) {
  Writer writer;
  encode(writer, plan);
  writer.text(record);
  if (writer.holds_nul() || plan.argv.empty()) {
    impl_->refuse(id, SpawnStage::fork, EINVAL);
  } else if (writer.bytes().size() > max_payload) {
    impl_->refuse(id, SpawnStage::fork, E2BIG);
  } else {
    impl_->send(Request::spawn, id, writer.bytes(), {plan.stdin_from_socket ? socket : -1});
  }
}

void Client::adopt(ProcessId id, pid_t pid, int process, const Plan& plan, std::string_view record) {
  Writer writer;
  writer.i32(pid);
  writer.i32(plan.stop_signal);
  writer.u32(plan.stop_wait_ms);
  writer.u8(plan.stop_as_group ? 1 : 0);
  writer.u8(plan.kill_as_group ? 1 : 0);
  writer.text(record);
  impl_->send(Request::adopt, id, writer.bytes(), {process});
}

void Client::signal(ProcessId id, int signal, Target target, std::string_view record) {
  Writer writer;
  writer.i32(signal);
  writer.u8(target == Target::group ? 1 : 0);
  writer.text(record.size() <= longest_record_with_signal ? record : std::string_view());
  impl_->send(Request::signal, id, writer.bytes());
  if (!record.empty()) put(id, record);  // for a keeper of an older version, which does not look for it above
}

void Client::put(ProcessId id, std::string_view record) {
  Writer writer;
  writer.text(record);
  // A record that no socket could carry is a mistake of its author; the one before stays.
  if (writer.bytes().size() <= max_payload) impl_->send(Request::put, id, writer.bytes());
}

bool Client::lends() const {
  return impl_->protocol >= lending_version;
}

void Client::lend(ProcessId id) {
  impl_->send(Request::lend, id);
}

void Client::acknowledge(ProcessId id) {
  impl_->send(Request::acknowledge, id);
}

void Client::drop(ProcessId id) {
  impl_->send(Request::drop, id);
}

void Client::hold(const std::string& name, int fd) {
  if (fd < 0) return;
  Writer writer;
  writer.text(name);
  impl_->send(Request::hold, 0, writer.bytes(), {fd});
}

void Client::release(const std::string& name) {
  Writer writer;
  writer.text(name);
  impl_->send(Request::release, 0, writer.bytes());
}

}  // namespace sup::keeper
