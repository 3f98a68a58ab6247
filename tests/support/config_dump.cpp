// Prints what the loader makes of a configuration file, as JSON: for comparing it with other readers of the file.
//
//   config_dump [--relaxed] [--all | --unknown | --ctl] FILE
//
// --relaxed: unknown users and groups have the number 1000, and every directory exists. --all: every problem and not
// just the first. --unknown: misspelt names only. --ctl: the [supervisorctl] section. Exit code 2 means problems.
#include <cstdio>
#include <string>
#include <vector>

#include "config/dump.h"
#include "config/load.h"
#include "os/config_host.h"

namespace {

using sup::config::Problem;

class RelaxedHost final : public sup::config::Host {
 public:
  explicit RelaxedHost(bool relaxed) : relaxed_(relaxed) {}
  sup::Result<std::string> read_file(const std::string& path) const override { return real_.read_file(path); }
  std::vector<std::string> glob(const std::string& pattern) const override { return real_.glob(pattern); }
  bool exists(const std::string& path) const override { return real_.exists(path); }
  bool is_directory(const std::string& path) const override { return relaxed_ || real_.is_directory(path); }
  std::string working_directory() const override { return real_.working_directory(); }
  std::string host_name() const override { return real_.host_name(); }
  std::string home() const override { return real_.home(); }
  std::string home_of(const std::string& user) const override { return real_.home_of(user); }
  std::optional<std::uint32_t> uid_of(const std::string& user) const override { return or_1000(real_.uid_of(user)); }
  bool uid_exists(std::uint32_t uid) const override { return real_.uid_exists(uid); }
  std::optional<std::uint32_t> gid_of(const std::string& group) const override { return or_1000(real_.gid_of(group)); }
  bool gid_exists(std::uint32_t gid) const override { return real_.gid_exists(gid); }
  std::optional<std::uint32_t> primary_gid(std::uint32_t uid) const override { return or_1000(real_.primary_gid(uid)); }
  std::uint32_t uid() const override { return real_.uid(); }
  std::vector<std::string> temporary_directories() const override { return real_.temporary_directories(); }
  const std::map<std::string, std::string>& environment() const override { return real_.environment(); }

 private:
  std::optional<std::uint32_t> or_1000(std::optional<std::uint32_t> id) const {
    return id || !relaxed_ ? id : std::optional<std::uint32_t>(1000);
  }

  sup::os::ConfigHost real_;
  bool relaxed_;
};

int print(const std::string& text, bool good) {
  std::fputs(text.c_str(), stdout);
  return good ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::string mode;
  std::string file;
  bool relaxed = false;
  for (const auto& word : words) {
    if (word == "--relaxed") {
      relaxed = true;
    } else if (word.starts_with("--")) {
      mode = word;
    } else {
      file = word;
    }
  }
  const RelaxedHost host(relaxed);
  if (mode == "--unknown") {
    const auto problems = sup::config::unknown_names(file, host);
    return print(sup::config::dump(problems), problems.empty());
  }
  if (mode == "--ctl") {
    const auto ctl = sup::config::load_ctl(file, host);
    return print(ctl ? sup::config::dump(*ctl) : sup::config::dump(std::vector<Problem>{ctl.error()}), ctl.has_value());
  }
  const auto config = sup::config::load(file, host, {}, mode == "--all");
  return print(config ? sup::config::dump(*config) : sup::config::dump(config.error()), config.has_value());
}
