#include "keeper/wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "keeper/protocol.h"
#include "os/limits.h"

namespace sup::keeper {
namespace {

struct Pair {
  UniqueFd a, b;
  Pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
    a.reset(ends[0]);
    b.reset(ends[1]);
  }
};

ino_t inode(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

// A frame as it came, with its descriptors by inode.
struct Came {
  std::uint16_t verb;
  std::uint32_t id;
  std::string payload;
  std::vector<ino_t> fds;
  bool lost;
};

// Everything that is there now.
std::vector<Came> receive_all(Receiver& receiver, int socket) {
  std::vector<Came> frames;
  while (receiver.receive(socket) == Receiver::Got::datagram) {
    Frame frame;
    while (receiver.next(frame) == Receiver::Next::frame) {
      Came& came = frames.emplace_back(frame.verb, frame.id, std::string(frame.payload));
      for (const UniqueFd& fd : frame.fds)
        came.fds.push_back(inode(fd.get()));
      came.lost = frame.lost;
    }
  }
  return frames;
}

// A pipe per call, so that every descriptor is told from every other.
UniqueFd some_descriptor() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  close(ends[1]);
  return UniqueFd(ends[0]);
}

TEST(Wire, CarriesAPayloadOfEverySizeAroundTheLimitOfADatagram) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, max_datagram - 13, max_datagram - 12,
                                 max_datagram - 11, max_datagram * 10, max_payload}) {
    Pair pair;
    Sender sender;
    Receiver receiver;
    std::string payload(size, 'x');
    if (size > 0) payload.back() = 'y';
    const UniqueFd fd = some_descriptor();
    sender.send(pair.a.get(), 7, 42, payload, {fd.get()});
    const auto frames = receive_all(receiver, pair.b.get());
    ASSERT_EQ(frames.size(), 1u) << size;
    EXPECT_EQ(frames[0].payload, payload);
    EXPECT_EQ(frames[0].verb, 7);
    EXPECT_EQ(frames[0].id, 42u);
    EXPECT_EQ(frames[0].fds, std::vector{inode(fd.get())});
  }
}

TEST(Wire, LeavesOutDescriptorsThatAreNone) {
  Pair pair;
  Sender sender;
  Receiver receiver;
  const UniqueFd fd = some_descriptor();
  sender.send(pair.a.get(), 1, 1, "", {-1, fd.get(), -1});
  EXPECT_EQ(receive_all(receiver, pair.b.get()).at(0).fds, std::vector{inode(fd.get())});
}

TEST(Wire, SaysThatADescriptorWasNoneOfOurs) {
  Pair pair;
  Sender sender;
  Receiver receiver;
  sender.send(pair.a.get(), 1, 1, "payload", {54321});
  const auto frames = receive_all(receiver, pair.b.get());
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].lost);
  EXPECT_EQ(frames[0].payload, "payload");
}

TEST(Wire, SaysWhenTheReceiverHasNoDescriptorLeft) {
  Pair pair;
  Sender sender;
  Receiver receiver;
  const UniqueFd one = some_descriptor();
  sender.send(pair.a.get(), 1, 1, "payload", {one.get(), one.get(), one.get()});
  const auto limit = os::get_limit(RLIMIT_NOFILE);
  const UniqueFd next(dup(2));
  ASSERT_TRUE(os::set_limit(RLIMIT_NOFILE, {static_cast<rlim_t>(next.get()) + 2, limit->hard}));
  const auto frames = receive_all(receiver, pair.b.get());
  ASSERT_TRUE(os::set_limit(RLIMIT_NOFILE, *limit));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].lost);
  EXPECT_TRUE(frames[0].fds.empty());
  EXPECT_EQ(frames[0].payload, "payload");
}

RC_GTEST_PROP(Wire, KeepsOrderAndOwnersOfDescriptorsWhenTheSocketIsFull, ()) {
  Pair pair;
  Sender sender;
  Receiver receiver;
  const auto count = *rc::gen::inRange<std::size_t>(1, 400);
  std::vector<Came> sent;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = *rc::gen::weightedElement<std::size_t>({{5, 10}, {3, 3000}, {1, max_datagram + 5}});
    const auto fds = *rc::gen::inRange<std::size_t>(0, 4);
    std::vector<UniqueFd> own;
    Came came{static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i), std::string(size, 'a'), {}, false};
    for (std::size_t k = 0; k < fds; ++k) {
      own.push_back(some_descriptor());
      came.fds.push_back(inode(own.back().get()));
    }
    own.resize(3);
    sender.send(pair.a.get(), came.verb, came.id, came.payload, {own[0].get(), own[1].get(), own[2].get()});
    sent.push_back(std::move(came));
  }
  std::vector<Came> got;
  while (got.size() < sent.size()) {
    auto frames = receive_all(receiver, pair.b.get());
    RC_ASSERT(!frames.empty());
    std::move(frames.begin(), frames.end(), std::back_inserter(got));
    sender.flush(pair.a.get());
  }
  RC_ASSERT(sender.empty());
  for (std::size_t i = 0; i < count; ++i) {
    RC_ASSERT(got[i].id == sent[i].id);
    RC_ASSERT(got[i].payload == sent[i].payload);
    RC_ASSERT(got[i].fds == sent[i].fds);
    RC_ASSERT(!got[i].lost);
  }
}

RC_GTEST_PROP(Wire, SurvivesAnyDatagram, (const std::vector<std::uint8_t>& bytes, bool with_fd)) {
  Pair pair;
  Receiver receiver;
  if (bytes.empty()) RC_DISCARD("an empty datagram is the end");
  iovec whole{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &whole;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  const UniqueFd fd = some_descriptor();
  if (with_fd) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    *head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    const int number = fd.get();
    std::memcpy(CMSG_DATA(head), &number, sizeof number);
  }
  RC_ASSERT(sendmsg(pair.a.get(), &message, 0) == static_cast<ssize_t>(bytes.size()));
  RC_ASSERT(receiver.receive(pair.b.get()) == Receiver::Got::datagram);
  Frame frame;
  std::size_t total = 0;
  while (receiver.next(frame) == Receiver::Next::frame)
    total += 12 + frame.payload.size();
  RC_ASSERT(total <= bytes.size());
}

TEST(Wire, RefusesEveryTruncatedFrame) {
  Pair pair;
  Sender sender;
  sender.send(pair.a.get(), 1, 1, "some payload");
  char bytes[64];
  const ssize_t size = recv(pair.b.get(), bytes, sizeof bytes, 0);
  ASSERT_EQ(size, 24);
  for (ssize_t cut = 1; cut < size; ++cut) {
    ASSERT_EQ(send(pair.a.get(), bytes, static_cast<std::size_t>(cut), 0), cut);
    Receiver receiver;
    ASSERT_EQ(receiver.receive(pair.b.get()), Receiver::Got::datagram);
    Frame frame;
    EXPECT_EQ(receiver.next(frame), Receiver::Next::broken) << cut;
  }
}

TEST(Wire, RefusesADatagramLargerThanAnyWeSend) {
  Pair pair;
  const std::string bytes(max_datagram + 1, '\0');
  ASSERT_EQ(send(pair.a.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  Receiver receiver;
  ASSERT_EQ(receiver.receive(pair.b.get()), Receiver::Got::datagram);
  Frame frame;
  EXPECT_EQ(receiver.next(frame), Receiver::Next::broken);
}

// A large payload must be in sealed memory: in anything else it could change or vanish while it is read.
TEST(Wire, RefusesALargePayloadInUnsealedMemory) {
  Pair pair;
  UniqueFd memory(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(write(memory.get(), "abcd", 4), 4);
  struct {
    std::uint32_t size = 4, id = 1;
    std::uint16_t verb = 1;
    std::uint8_t fds = 1, flags = 1;
  } header;
  for (const bool sealed : {false, true}) {
    if (sealed) fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    iovec whole{&header, sizeof header};
    msghdr message{};
    message.msg_iov = &whole;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    *head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    const int number = memory.get();
    std::memcpy(CMSG_DATA(head), &number, sizeof number);
    ASSERT_EQ(sendmsg(pair.a.get(), &message, 0), 12);
    Receiver receiver;
    ASSERT_EQ(receiver.receive(pair.b.get()), Receiver::Got::datagram);
    Frame frame;
    EXPECT_EQ(receiver.next(frame), sealed ? Receiver::Next::frame : Receiver::Next::broken);
    EXPECT_EQ(frame.payload, sealed ? "abcd" : "");
  }
}

TEST(Wire, TellsThatThePeerIsGone) {
  Pair pair;
  Sender sender;
  Receiver receiver;
  EXPECT_EQ(receiver.receive(pair.b.get()), Receiver::Got::nothing);
  pair.a.reset();
  EXPECT_EQ(receiver.receive(pair.b.get()), Receiver::Got::closed);
  sender.send(pair.b.get(), 1, 1, "nobody hears this");
  EXPECT_TRUE(sender.empty());
}

// A text without NUL, since that is all a path or an argument can be.
rc::Gen<std::string> word() {
  return rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
}

RC_GTEST_PROP(PlanCodec, GivesBackWhatWasPutIn, ()) {
  Plan plan;
  plan.path = *word();
  plan.argv = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(word()));
  const auto keys = *rc::gen::container<std::vector<std::string>>(word());
  for (const std::string& key : keys)
    plan.environment.emplace_back(key, *word());
  plan.directory = *word();
  if (*rc::gen::arbitrary<bool>()) plan.umask = *rc::gen::inRange<mode_t>(0, 0777);
  if (*rc::gen::arbitrary<bool>()) plan.identity = Identity{7, 8, *rc::gen::arbitrary<std::vector<gid_t>>()};
  plan.stdin_from_socket = *rc::gen::arbitrary<bool>();
  plan.stop_as_group = *rc::gen::arbitrary<bool>();
  Writer writer;
  encode(writer, plan);
  writer.text("the record");
  Reader reader(writer.bytes());
  PlanView view;
  RC_ASSERT(decode(reader, view));
  RC_ASSERT(view.path == plan.path);
  RC_ASSERT(view.argv.size() == plan.argv.size() + 1);
  for (std::size_t i = 0; i < plan.argv.size(); ++i)
    RC_ASSERT(view.argv[i] == plan.argv[i]);
  RC_ASSERT(view.argv.back() == nullptr);
  RC_ASSERT(view.environment.size() == plan.environment.size());
  for (std::size_t i = 0; i < plan.environment.size(); ++i) {
    RC_ASSERT(view.environment[i].text == plan.environment[i].first + "=" + plan.environment[i].second);
    RC_ASSERT(view.environment[i].key == plan.environment[i].first.size());
  }
  RC_ASSERT(view.directory == plan.directory);
  RC_ASSERT(view.umask == plan.umask);
  RC_ASSERT(view.has_identity == plan.identity.has_value());
  if (plan.identity) RC_ASSERT(view.groups == plan.identity->groups);
  RC_ASSERT(view.stdin_from_socket == plan.stdin_from_socket);
  RC_ASSERT(view.stop_as_group == plan.stop_as_group);
  RC_ASSERT(reader.text() == "the record");
}

RC_GTEST_PROP(PlanCodec, RefusesEveryPlanThatIsCutShort, ()) {
  Plan plan;
  plan.path = "/bin/x";
  plan.argv = {"x", "y"};
  plan.environment = {{"A", "1"}};
  Writer writer;
  encode(writer, plan);
  const auto size = *rc::gen::inRange<std::size_t>(0, writer.bytes().size());
  Reader reader(std::string_view(writer.bytes()).substr(0, size));
  PlanView view;
  RC_ASSERT(!decode(reader, view));
}

RC_GTEST_PROP(PlanCodec, SurvivesAnyChangeOfAByte, ()) {
  Plan plan;
  plan.path = "/bin/x";
  plan.argv = {"x", "y"};
  plan.environment = {{"A", "1"}};
  Writer writer;
  encode(writer, plan);
  std::string bytes = writer.bytes();
  bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  Reader reader(bytes);
  PlanView view;
  if (decode(reader, view)) {
    RC_ASSERT(view.argv.size() <= bytes.size());
    RC_ASSERT(view.groups.size() <= bytes.size());
  }
}

TEST(PlanCodec, NoticesAZeroByteInAText) {
  Plan plan;
  plan.path = std::string("/bin/x\0y", 8);
  plan.argv = {"x"};
  Writer writer;
  encode(writer, plan);
  EXPECT_TRUE(writer.holds_nul());
  Reader reader(writer.bytes());
  PlanView view;
  EXPECT_FALSE(decode(reader, view));
}

TEST(SettingsCodec, GivesBackWhatWasPutIn) {
  KeeperSettings settings;
  settings.identity = Identity{1, 2, {2, 3}};
  settings.detach = true;
  settings.directory = "/x";
  settings.umask = 022;
  settings.open_files = os::Limit{1, 2};
  Writer writer;
  encode(writer, settings);
  Reader reader(writer.bytes());
  KeeperSettings got;
  ASSERT_TRUE(decode(reader, got));
  ASSERT_TRUE(got.identity);
  EXPECT_EQ(got.identity->groups, (std::vector<gid_t>{2, 3}));
  EXPECT_TRUE(got.detach);
  EXPECT_EQ(got.directory, "/x");
  EXPECT_EQ(got.umask, 022u);
  EXPECT_EQ(got.open_files, (os::Limit{1, 2}));
  EXPECT_EQ(got.processes, std::nullopt);
}

}  // namespace
}  // namespace sup::keeper
