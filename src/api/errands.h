// Work that would hold up the thread that answers everybody: done on another thread, or in small pieces.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace sup::api {

// Who waits for an answer.
struct Caller {
  std::uint64_t client = 0;         // callers with the same number share their turns
  std::shared_ptr<const std::atomic<bool>> gone = {};  // nobody waits any more; null: somebody does
  // While it lives, the arguments of the call do; null: they live until the handler returns.
  std::shared_ptr<const void> keeps_arguments = {};

  [[nodiscard]] bool is_gone() const { return gone != nullptr && gone->load(std::memory_order_relaxed); }
};

// Clients take turns, however many errands each of them has.
class Errands {
 public:
  using Step = std::move_only_function<void()>;

  virtual ~Errands() = default;
  // `work` is done on another thread, after that `done` on this one. Both are destroyed on this one, and not called any
  // more when the daemon ends before.
  virtual void run(const Caller& caller, Step work, Step done) = 0;
  // The same before all others: the last of an errand whose result takes memory until then.
  virtual void finish(const Caller& caller, Step work, Step done) = 0;
  // `step`, which should take a fraction of a millisecond, comes when others have had their turn.
  virtual void later(const Caller& caller, Step step) = 0;
};

}  // namespace sup::api
