#include "process/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <set>

#include "process/pool.h"

namespace sup::process {
namespace {

using events::Type;
using testing::ElementsAre;

class Silence final : public Log {
 public:
  void write(Level, std::string_view) override {}
  [[nodiscard]] bool wants(Level) const override { return false; }
};

class Door final : public PoolPort {
 public:
  [[nodiscard]] bool is_running(ProcessId id) const override { return !down.contains(id); }
  [[nodiscard]] bool send(ProcessId id, std::uint64_t, const Message& message) override {
    if (closed.contains(id)) return false;
    sent.emplace_back(id, message.joined());
    return true;
  }
  void send_rest(ProcessId, std::uint64_t, const Message&) override {}
  void resume_later(ProcessId, Duration) override {}
  std::vector<std::pair<ProcessId, std::string>> sent;
  std::set<ProcessId> down;
  std::set<ProcessId> closed;
};

class Memory final : public PoolJournal {
 public:
  Memory(std::string& bytes, std::size_t limit) : bytes_(bytes), limit_(limit) {}
  void append(const NoteText& notes) override { bytes_ += notes.joined(); }
  [[nodiscard]] bool is_long(std::size_t more) const override { return bytes_.size() + more > begun_ + limit_; }
  void begin(const NoteText& notes) override {
    bytes_ = notes.joined();
    begun_ = bytes_.size();
  }

 private:
  std::string& bytes_;
  std::size_t limit_;
  std::size_t begun_ = 0;
};

// One manager after another: each pool is made anew from the notes of the one before.
class JournalTest : public testing::Test {
 protected:
  JournalTest() { succeed(); }

  void succeed() {
    const PoolPicture picture = read_notes(bytes);
    pools = std::make_unique<Pools>();
    pools->continue_from(picture.next_serial);
    pool = &pools->add({.name = "ev", .identifier = "s", .buffer_size = 3, .subscription = events::Subscription({"TICK"})},
                       door, log);
    for (const ProcessId id : {1U, 2U}) pools->add_member(*pool, id, "ev" + std::to_string(id));
    pool->restore(picture);
    pool->keep(std::make_unique<Memory>(bytes, limit));
  }
  void emit(std::string body) { pools->emit({Type::tick_5, std::move(body)}); }

  std::string bytes;
  std::size_t limit = 200;
  Silence log;
  Door door;
  std::unique_ptr<Pools> pools;
  Pool* pool = nullptr;
};

TEST_F(JournalTest, WhatWaitedIsSentByTheSuccessor) {
  emit("one");
  emit("two");
  succeed();
  emit("three");
  EXPECT_EQ(pool->waiting(), 3U);
  pool->output(2, "READY\n");
  ASSERT_EQ(door.sent.size(), 1U);
  EXPECT_EQ(door.sent[0].second, "ver:3.0 server:s serial:0 pool:ev poolserial:0 eventname:TICK_5 len:3\none");
  pool->output(1, "READY\n");
  pool->output(2, "RESULT 2\nOKREADY\n");
  EXPECT_THAT(door.sent.back().second, testing::StartsWith("ver:3.0 server:s serial:2 pool:ev poolserial:2 "));
}

TEST_F(JournalTest, AResultThatComesLaterIsForTheEventInWork) {
  pool->output(1, "READY\n");
  emit("one");
  succeed();
  EXPECT_EQ(pool->listener_state(1), ListenerState::busy);
  pool->output(1, "RESULT 4\nFAIL");
  EXPECT_EQ(pool->waiting(), 1U);
  pool->output(1, "READY\n");
  EXPECT_EQ(door.sent.size(), 2U);
  EXPECT_EQ(door.sent[0], door.sent[1]);
}

TEST_F(JournalTest, AListenerThatDiesUnderTheSuccessorGivesItsEventBack) {
  pool->output(1, "READY\n");
  emit("one");
  succeed();
  pool->ended(1);
  pool->output(2, "READY\n");
  EXPECT_EQ(door.sent.back().first, 2U);
  EXPECT_EQ(door.sent.back().second, door.sent.front().second);
}

TEST_F(JournalTest, HalfAMessageIsNotForgotten) {
  pool->output(1, "REA");
  succeed();
  pool->output(1, "DY\n");
  EXPECT_EQ(pool->listener_state(1), ListenerState::ready);
  emit("one");
  for (const char* piece : {"RESU", "LT 4\n", "FA", "IL"}) {
    pool->output(1, piece);
    succeed();
  }
  EXPECT_EQ(pool->listener_state(1), ListenerState::acknowledged);
  EXPECT_EQ(pool->waiting(), 1U);
}

TEST_F(JournalTest, WhoBrokeTheProtocolStaysOut) {
  pool->output(1, "nonsense");
  succeed();
  EXPECT_EQ(pool->listener_state(1), ListenerState::unknown);
}

TEST_F(JournalTest, TheSerialsGoOnAndBeginAgainAtTheirEnd) {
  constexpr std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  pools->continue_from(last);
  emit("one");
  succeed();
  EXPECT_EQ(pools->next_serial(), 0U);
}

TEST_F(JournalTest, ProcessesThatAreNotInThePoolAreLeftOut) {
  PoolPicture picture;
  picture.members.push_back({.id = 9, .listener = Listener(ListenerState::ready, {}), .item = {}});
  bytes = write_notes(picture).joined();
  succeed();
  EXPECT_FALSE(pool->listener_state(9));
}

TEST_F(JournalTest, ANoteThatIsCutOffWasNeverMade) {
  emit("one");
  emit("two");
  const std::string whole = bytes;
  const std::size_t events_in_whole = read_notes(whole).buffer.size();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_LE(read_notes(std::string_view(whole).substr(0, length)).buffer.size(), events_in_whole);
  }
  EXPECT_EQ(read_notes(std::string_view(whole).substr(0, whole.size() - 1)).buffer.size(), 1U);
}

TEST_F(JournalTest, NotesOfAKindThatIsUnknownAreSkipped) {
  emit("one");
  bytes.insert(0, std::string("?\x02\x00\x00\x00zz", 7));
  EXPECT_EQ(read_notes(bytes).buffer.size(), 1U);
}

TEST(Journal, CopiesNoLargeBodies) {
  const auto event = std::make_shared<const events::Event>(
      events::Event{Type::remote_communication, std::string(1'000'000, 'x')});
  Notes notes;
  notes.accepted({event, 1, 2});
  notes.sent(7);
  EXPECT_GT(notes.size(), event->body.size());
  const NoteText text = notes.take();
  std::vector<std::string_view> pieces;
  text.each([&pieces](std::string_view piece) { pieces.push_back(piece); });
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[1].data(), event->body.data());
  const PoolPicture picture = read_notes(text.joined());
  ASSERT_EQ(picture.members.size(), 1U);
  ASSERT_TRUE(picture.members[0].item);
  EXPECT_EQ(picture.members[0].item->event->body, event->body);
  EXPECT_EQ(picture.members[0].item->pool_serial, 2U);
}

// The events that are noted with what makes the journal long are in the picture anyway.
TEST(Journal, WritesNothingTwiceWhenItBeginsAnew) {
  struct Counting final : PoolJournal {
    explicit Counting(std::size_t& counter) : written(counter) {}
    void append(const NoteText& notes) override { written += notes.size(); }
    [[nodiscard]] bool is_long(std::size_t more) const override { return more > 1000; }
    void begin(const NoteText& notes) override { written += notes.size(); }
    std::size_t& written;
  };
  Silence log;
  Door door;
  Pools pools;
  Pool& pool = pools.add({.name = "ev", .identifier = "s", .subscription = events::Subscription({"TICK"})}, door, log);
  pools.add_member(pool, 1, "x");
  std::size_t written = 0;
  pool.keep(std::make_unique<Counting>(written));
  pools.emit({Type::tick_5, std::string(100'000, 'x')});
  EXPECT_LT(written, 101'000U);
  pool.output(1, "READY\n");
  EXPECT_EQ(door.sent.size(), 1U);
}

TEST(Journal, ReadsAnyBytesWithoutHarm) {
  rc::check([](const std::string& bytes) { static_cast<void>(read_notes(bytes)); });
}

// Whatever happens to two pools, one of which loses its manager after every step, they send the same.
TEST(Journal, ADeathOfTheManagerAtAnyMomentIsNotSeenByTheListeners) {
  struct Side {
    explicit Side(bool mortal_side) : mortal(mortal_side) { make({}); }
    void make(const PoolPicture& picture) {
      pools = std::make_unique<Pools>();
      pools->continue_from(picture.next_serial);
      pool = &pools->add(
          {.name = "ev", .identifier = "s", .buffer_size = 2, .subscription = events::Subscription({"TICK"})}, door, log);
      for (const ProcessId id : {1U, 2U}) pools->add_member(*pool, id, "x");
      pool->restore(picture);
      pool->keep(std::make_unique<Memory>(bytes, 100));
    }
    void step(int action, ProcessId id, const std::string& text) {
      switch (action) {
        case 0: pools->emit({Type::tick_5, text}); break;
        case 1: pool->output(id, text); break;
        case 2: pool->ended(id); break;
        case 3: door.closed.insert(id); break;
        case 4: door.closed.clear(); break;
        case 5: door.down.insert(id); break;
        default: door.down.clear(); break;
      }
      pool->dispatch();
      if (mortal) make(read_notes(std::string(bytes)));
    }
    bool mortal;
    std::string bytes;
    Silence log;
    Door door;
    std::unique_ptr<Pools> pools;
    Pool* pool = nullptr;
  };
  rc::check([] {
    Side immortal(false);
    Side mortal(true);
    const auto words = rc::gen::element<std::string>("READY\n", "RESULT 2\nOK", "RESULT 4\nFAIL", "REA", "DY\n",
                                                     "RESULT 2\nO", "KREADY\n", "x");
    const int steps = *rc::gen::inRange(0, 60);
    for (int i = 0; i < steps; ++i) {
      const int action = *rc::gen::weightedElement<int>({{8, 0}, {16, 1}, {2, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}});
      const auto id = *rc::gen::element<ProcessId>(1, 2);
      const std::string text = *words;
      immortal.step(action, id, text);
      mortal.step(action, id, text);
    }
    RC_ASSERT(immortal.door.sent == mortal.door.sent);
    RC_ASSERT(immortal.pool->listener_state(1) == mortal.pool->listener_state(1));
    RC_ASSERT(immortal.pool->waiting() == mortal.pool->waiting());
  });
}

}  // namespace
}  // namespace sup::process
