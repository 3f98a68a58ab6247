// What the engine asks of the file system and the user database before a start. The real one is SystemFiles; tests
// have fakes that fail as reality does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "keeper/plan.h"
#include "logs/rotating_file.h"

namespace sup::engine {

struct FileKind {
  bool directory = false;
  bool executable = false;  // any execute bit
};

class Files {
 public:
  virtual ~Files() = default;
  // stat(2), links followed; nullopt when it fails.
  [[nodiscard]] virtual std::optional<FileKind> look(const std::string& path) const = 0;
  [[nodiscard]] virtual bool may_execute(const std::string& path) const = 0;  // access(2) with X_OK
  [[nodiscard]] virtual Result<logs::RotatingFile> open_log(logs::FilePlan plan) = 0;
  // A new, empty file DIRECTORY/PREFIXxxxxxxxx.log, mode 0600; its path.
  [[nodiscard]] virtual Result<std::string> create_log(const std::string& directory, const std::string& prefix) = 0;
  [[nodiscard]] virtual Result<> remove(const std::string& path) = 0;
  // The listening socket of a FastCGI program, close-on-exec; what was left at its path is removed before. The Error's
  // text is Python's, e.g. "[Errno 13] Permission denied".
  [[nodiscard]] virtual Result<UniqueFd> listen(const config::FcgiSocket& socket) = 0;
  // If that is what stands at the path.
  virtual void remove_socket(const std::string& path) = 0;
  // What a child has to become to run as that user; the Error is Supervisor's reason, e.g. "Can't find uid 4711".
  // nullopt: it is that user already.
  [[nodiscard]] virtual Result<std::optional<keeper::Identity>> identity(std::uint32_t uid) = 0;
};

class SystemFiles final : public Files {
 public:
  [[nodiscard]] std::optional<FileKind> look(const std::string& path) const override;
  [[nodiscard]] bool may_execute(const std::string& path) const override;
  [[nodiscard]] Result<logs::RotatingFile> open_log(logs::FilePlan plan) override;
  [[nodiscard]] Result<std::string> create_log(const std::string& directory, const std::string& prefix) override;
  [[nodiscard]] Result<> remove(const std::string& path) override;
  [[nodiscard]] Result<UniqueFd> listen(const config::FcgiSocket& socket) override;
  void remove_socket(const std::string& path) override;
  [[nodiscard]] Result<std::optional<keeper::Identity>> identity(std::uint32_t uid) override;
};

}  // namespace sup::engine
