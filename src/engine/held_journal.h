// The journal of an event listener pool in memory that the keeper holds, so that it outlives the manager.
//
// Appending costs one write to memory, no word to the keeper.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/unique_fd.h"
#include "keeper/client.h"
#include "process/journal.h"

namespace sup::engine {

// Under which name the keeper holds it.
[[nodiscard]] std::string journal_name(std::string_view pool);

class HeldJournal final : public process::PoolJournal {
 public:
  // Both outlive it. Should the system refuse the memory, the log says so once and the notes are lost.
  HeldJournal(std::string pool, keeper::Children& children, Log& log);

  void append(const process::NoteText& notes) override;
  [[nodiscard]] bool is_long(std::size_t more) const override;
  void begin(const process::NoteText& notes) override;

 private:
  void give_up(const Error& error);
  void write(std::string_view notes);

  std::string pool_;
  keeper::Children& children_;
  Log& log_;
  UniqueFd memory_;
  bool complained_ = false;
  std::size_t size_ = 0;
  std::size_t begun_ = 0;  // the size at the last begin()
};

// What a former manager noted there; empty when it cannot be read.
[[nodiscard]] std::string read_held_journal(int fd);

}  // namespace sup::engine
