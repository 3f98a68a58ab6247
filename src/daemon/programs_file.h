// PIDFILE.programs: which process is which program, for a supervisord that starts after this one was killed, keeper and
// all. While supervisord lives nobody reads it; an orderly end removes it.
//
// It is text: a head that names boot and pid namespace, and a line for each configured process, whose pid and start time
// are overwritten in place when it is started. Nothing is written when it ends: pid and start time together mean no
// other process. It is taken from its owner alone, and what it says is looked up before it is believed, so a file that
// is damaged, old or forged is harmless.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/engine.h"

namespace sup::daemon {

struct ProgramLine {
  std::string group;
  std::string name;
  std::uint64_t command = 0;  // engine::command_mark()
  pid_t pid = 0;              // 0: never started
  std::uint64_t start = 0;    // os::start_time()
  bool operator==(const ProgramLine&) const = default;
};

[[nodiscard]] std::string programs_head(std::string_view pid_space);
[[nodiscard]] std::string write_line(const ProgramLine& line);
// The processes of a file that was written in this pid space; none of another's. Lines that make no sense are left out.
[[nodiscard]] std::vector<ProgramLine> read_lines(std::string_view text, std::string_view pid_space);

class ProgramsFile final : public engine::Births {
 public:
  explicit ProgramsFile(Log& log) : log_(log) {}

  // Begins to keep the file beside this pidfile, which must be ours alone. Reads what is there; does nothing until then.
  void open(const std::string& pidfile);
  // Those of the file that was there who run still.
  [[nodiscard]] std::vector<engine::Survivor> survivors() const;
  // Writes the file anew: due after open(), and after groups came or went.
  void write(const engine::Table& table);
  void on_birth(ProcessId id, pid_t pid) override;
  void remove();

 private:
  struct Place {
    off_t at = 0;  // of the line
    pid_t pid = 0;
    std::uint64_t start = 0;
  };
  [[nodiscard]] std::uint64_t start_of(const engine::Entry& entry) const;
  [[nodiscard]] Result<UniqueFd> replace(const std::string& text) const;

  Log& log_;
  std::string path_;  // empty: not open
  std::string pid_space_;
  std::vector<ProgramLine> found_;  // by pid; empty after write()
  std::unordered_map<ProcessId, Place> places_;
  UniqueFd file_;
};

}  // namespace sup::daemon
