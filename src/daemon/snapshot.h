// What the loader was told, kept so that a manager that comes later reads the same configuration again, byte for byte,
// even when the files have changed or vanished since.
//
// A RecordingHost answers from the system and remembers; its snapshot goes into a sealed memory file that the keeper
// holds. A ReplayHost answers from such a snapshot, and from the system only for what was never asked.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/load.h"

namespace sup::daemon {

// Question ("read_file /etc/x.conf") -> answer.
using Snapshot = std::map<std::string, std::string, std::less<>>;

[[nodiscard]] Result<UniqueFd> write_snapshot(const Snapshot& snapshot);
[[nodiscard]] Result<Snapshot> read_snapshot(int fd);
[[nodiscard]] Result<Snapshot> parse_snapshot(std::string_view bytes);

class RecordingHost : public config::Host {
 public:
  explicit RecordingHost(const config::Host& system) : system_(system) {}
  [[nodiscard]] const Snapshot& snapshot() const { return answers_; }
  // Adds something that no question asks for.
  void remember(std::string_view question, std::string answer) { answers_[std::string(question)] = std::move(answer); }

  [[nodiscard]] Result<std::string> read_file(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override;
  [[nodiscard]] bool exists(const std::string& path) const override;
  [[nodiscard]] bool is_directory(const std::string& path) const override;
  [[nodiscard]] std::string working_directory() const override;
  [[nodiscard]] std::string host_name() const override;
  [[nodiscard]] std::string home() const override;
  [[nodiscard]] std::string home_of(const std::string& user) const override;
  [[nodiscard]] std::optional<std::uint32_t> uid_of(const std::string& user) const override;
  [[nodiscard]] bool uid_exists(std::uint32_t uid) const override;
  [[nodiscard]] std::optional<std::uint32_t> gid_of(const std::string& group) const override;
  [[nodiscard]] bool gid_exists(std::uint32_t gid) const override;
  [[nodiscard]] std::optional<std::uint32_t> primary_gid(std::uint32_t uid) const override;
  [[nodiscard]] std::uint32_t uid() const override;
  [[nodiscard]] std::vector<std::string> temporary_directories() const override;
  [[nodiscard]] const std::map<std::string, std::string>& environment() const override { return system_.environment(); }

 protected:
  // The remembered answer, or the one that `ask` gives, remembered from now on.
  template <class Ask>
  std::string answer(std::string question, Ask ask) const;

  const config::Host& system_;
  mutable Snapshot answers_;
};

class ReplayHost final : public RecordingHost {
 public:
  ReplayHost(const config::Host& system, Snapshot snapshot) : RecordingHost(system) { answers_ = std::move(snapshot); }
};

}  // namespace sup::daemon
