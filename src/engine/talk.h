// What manager and one event listener say to each other, in memory that outlives the manager.
//
// An event is laid down in memory and moved from there into the listener's pipe by splice(2), which also moves the note
// of how far it has come: a successor knows how much of it the listener has, and gives it the rest. What the listener
// says is moved from its pipe to the end of the memory in one step too, and stays there until it is dealt with. So a
// kill makes no listener wait for an event that it was not sent, or hear one twice, and no answer is missed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/ids.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace sup::engine {

// Under which name the keeper holds it.
[[nodiscard]] std::string talk_name(ProcessId id);

class Talk {
 public:
  static constexpr std::size_t longest = std::size_t{2} << 20;  // of an event, about

  // For a new process. Nullptr: the system refuses the memory.
  [[nodiscard]] static std::shared_ptr<Talk> begin();
  // Of a process that a former manager talked to. Nullptr: these are no such memory.
  [[nodiscard]] static std::shared_ptr<Talk> go_on(int memory);
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  ~Talk();

  [[nodiscard]] int memory() const { return memory_.get(); }

  // ---- to the process

  // The bytes of the event with this number are to be moved. False: they are too many, and nothing is changed.
  [[nodiscard]] bool lay_down(std::uint64_t serial, std::string_view bytes);
  // Is this the event laid down last? Otherwise none of it was ever moved.
  [[nodiscard]] bool holds(std::uint64_t serial) const;
  // Moves as much as the pipe takes, and never waits. True when all of it is there; the error of a closed pipe is
  // EPIPE.
  [[nodiscard]] Result<bool> move(int pipe);

  // ---- from the process

  // As read(2), except that the bytes can be had again: see again().
  [[nodiscard]] ssize_t take(int pipe, std::span<char> into);
  // What was taken behind the first `dealt_with` bytes.
  [[nodiscard]] std::string again(std::uint64_t dealt_with);

 private:
  struct Header;
  explicit Talk(UniqueFd memory, Header* header);
  [[nodiscard]] off_t taken_end() const;
  void forget_taken();

  UniqueFd memory_;
  Header* header_;
  bool plain_ = false;  // splice(2) is refused
};

}  // namespace sup::engine
