// The machine as the configuration loader sees it.
#pragma once

#include <map>
#include <string>

#include "config/load.h"

namespace sup::os {

class ConfigHost final : public config::Host {
 public:
  // Takes a copy of the environment as it is now; everything else is asked when it is needed.
  ConfigHost();

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
  [[nodiscard]] const std::map<std::string, std::string>& environment() const override { return environment_; }

 private:
  std::map<std::string, std::string> environment_;
};

}  // namespace sup::os
