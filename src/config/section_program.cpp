#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/strings.h"
#include "config/reader.h"
#include "config/sections.h"
#include "config/shell_words.h"

namespace sup::config {
namespace {

consteval OptionRow option(std::string_view name) {
  return row(tables::program, name);
}

// More processes than a machine can have are a slip of the pen, and would take our memory.
constexpr long long most_processes = 100'000;

constexpr std::string_view process_num_text = "%(process_num)";

// The options of one output channel.
struct ChannelRows {
  OptionRow logfile, max_bytes, backups, capture, events, syslog;
};
constexpr ChannelRows out_rows{option("stdout_logfile"),         option("stdout_logfile_maxbytes"),
                               option("stdout_logfile_backups"), option("stdout_capture_maxbytes"),
                               option("stdout_events_enabled"),  option("stdout_syslog")};
constexpr ChannelRows err_rows{option("stderr_logfile"),         option("stderr_logfile_maxbytes"),
                               option("stderr_logfile_backups"), option("stderr_capture_maxbytes"),
                               option("stderr_events_enabled"),  option("stderr_syslog")};

// Later variables replace earlier ones of the same name in their place, as Python's dict.update() does.
Environment merged(const Environment& base, Environment own) {
  if (base.empty()) return own;
  Environment all = base;
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < base.size(); ++i)
    places.emplace(base[i].first, i);
  for (auto& variable : own) {
    const auto found = places.find(variable.first);
    if (found == places.end()) {
      all.push_back(std::move(variable));
    } else {
      all[found->second].second = std::move(variable.second);
    }
  }
  return all;
}

class ProgramReader {
 public:
  ProgramReader(Building& building, const IniSection& section, const std::string& group)
      : building_(building),
        section_(section),
        reader_(building.document, section, building.problems,
                fmt::format(" in section {} (file: {})", python_repr(section.name()),
                            python_repr(section.place().file != nullptr ? *section.place().file : building.main_file))),
        names_(&building.environment) {
    names_.set("here", building.here);
    names_.set("host_node_name", building.node);
    names_.set("group_name", group);
  }

  std::vector<Process> run() {
    auto name = to_name(name_of(section_));
    if (!name) {
      reader_.fail_section(std::move(name.error().message), std::move(name.error().hint));
      return {};
    }
    names_.set("program_name", *name);
    read_common();
    const std::string process_name = read_process_name(*name);
    return make_processes(process_name);
  }

 private:
  // ---- what all copies share, in the order in which Supervisor looks at it

  void read_common() {
    ProgramOptions& p = common_;
    reader_.read(option("priority"), names_, p.priority, to_integer);
    reader_.read(option("autostart"), names_, p.autostart, to_boolean);
    reader_.read(option("autorestart"), names_, p.autorestart, to_restart);
    reader_.read(option("startsecs"), names_, p.startsecs, to_integer);
    reader_.read(option("startretries"), names_, p.startretries, to_integer);
    reader_.read(option("stopsignal"), names_, p.stopsignal, to_signal);
    reader_.read(option("stopwaitsecs"), names_, p.stopwaitsecs, to_integer);
    reader_.read(option("stopasgroup"), names_, p.stopasgroup, to_boolean);
    p.killasgroup = p.stopasgroup;
    reader_.read(option("killasgroup"), names_, p.killasgroup, to_boolean);
    reader_.read(option("exitcodes"), names_, p.exitcodes, to_exit_codes);
    reader_.read(option("redirect_stderr"), names_, p.redirect_stderr, to_boolean);
    reader_.read(option("numprocs"), names_, numprocs_, to_integer);
    reader_.read(option("numprocs_start"), names_, first_, to_integer);
    read_channel(out_rows, out_);
    read_channel(err_rows, err_);
    if (auto url = reader_.text(option("serverurl"), names_)) {
      if (upper(trim(*url)) != "AUTO") p.serverurl = std::move(*url);
    }
    reader_.read(option("user"), names_, p.user, [&](std::string_view text) { return building_.find_user(text); });
    reader_.read(option("umask"), names_, p.umask, to_octal);
  }

  void read_channel(const ChannelRows& rows, LogTarget& target) {
    reader_.read(rows.capture, names_, target.capture_max_bytes, to_bytes);
    reader_.read(rows.events, names_, target.events, to_boolean);
  }

  // Its pattern; expanded per process.
  std::string read_process_name(const std::string& program) {
    const auto row = option("process_name");
    const auto* raw = reader_.raw(row);
    std::string pattern = "%(program_name)s";
    if (raw != nullptr) {
      reader_.take(row, to_name(raw->value), pattern);
    } else if (numprocs_ <= 1) {
      pattern = program;  // which holds no percent sign to expand, or one that is to stay
      name_is_final_ = true;
    }
    if (numprocs_ > 1 && pattern.find(process_num_text) == pattern.npos) {
      reader_.fail(row, "%(process_num) must be present within process_name when numprocs > 1",
                   "add process_name=%(program_name)s_%(process_num)02d");
    }
    if (numprocs_ > most_processes) {
      reader_.fail(option("numprocs"), fmt::format("numprocs {} is above upper bound ({})", numprocs_, most_processes));
    }
    if (common_.stopasgroup && !common_.killasgroup) {
      reader_.fail(option("killasgroup"), "Cannot set stopasgroup=true and killasgroup=false");
    }
    return pattern;
  }

  // ---- the copies

  std::vector<Process> make_processes(const std::string& name_pattern) {
    std::vector<Process> processes;
    // Without a usable number of copies the options of one are still worth a look.
    const bool sure = !reader_.failed();
    const long long count = sure ? numprocs_ : std::min(numprocs_, 1LL);
    if (count > 0) processes.reserve(static_cast<std::size_t>(count));
    const auto program = building_.shared(common_);
    Scope number(&names_);
    std::shared_ptr<const InstanceOptions> instance;
    bool each_differs = true;  // until the first copy has shown that its options don't ask for its number
    for (long long i = 0; i < count; ++i) {
      number.set("process_num", first_ + i);
      if (each_differs) {
        number.forget_use();
        own_ = Scope(&number);
        own_.set("numprocs", numprocs_);
        InstanceOptions made = read_instance();
        if (instance == nullptr || made != *instance)
          instance = std::make_shared<const InstanceOptions>(std::move(made));
        each_differs = number.used();
      }
      auto name = name_is_final_ ? std::optional(name_pattern)
                                 : reader_.expanded(option("process_name"), name_pattern, own_, "process_name");
      if (reader_.failed()) return {};
      processes.push_back({std::move(*name), program, instance, section_.place()});
    }
    std::stable_sort(processes.begin(), processes.end(),
                     [](const Process& a, const Process& b) { return a.name < b.name; });
    return processes;
  }

  InstanceOptions read_instance() {
    InstanceOptions made;
    made.environment = read_environment();
    reader_.read(option("directory"), own_, made.directory);
    made.out = out_;
    made.err = err_;
    read_log(out_rows, made.out);
    const bool err_names_a_file = read_log(err_rows, made.err);
    if (common_.redirect_stderr) {
      if (err_names_a_file) {
        building_.warn(
            fmt::format("For [{}], redirect_stderr=true but stderr_logfile has also been set to a filename, "
                        "the filename has been ignored",
                        section_.name()));
      }
      made.err.kind = LogTarget::Kind::none;
      made.err.path.clear();
    }
    if (reader_.raw(option("command")) == nullptr) {
      reader_.fail_section(fmt::format("program section {} does not specify a command", section_.name()));
    } else if (auto command = reader_.text(option("command"), own_)) {
      made.command = std::move(*command);
    }
    return made;
  }

  Environment read_environment() {
    const auto row = option("environment");
    Environment variables;
    if (const auto* raw = reader_.raw(row)) {
      if (const auto text = reader_.expanded(row, raw->value, own_, "environment")) {
        auto parsed = parse_environment(*text);
        if (parsed) {
          variables = std::move(*parsed);
        } else {
          reader_.fail(row, std::move(parsed.error()), "expected KEY=\"value\",KEY2=\"value2\"");
        }
      }
    }
    for (const auto& [name, value] : variables)
      own_.set("ENV_" + name, value);
    return merged(building_.daemon_environment, std::move(variables));
  }

  // Where a channel goes, and the options of the log. Whether a file is named, be it with an empty name.
  bool read_log(const ChannelRows& rows, LogTarget& target) {
    bool names_a_file = false;
    bool deprecated_syslog = false;
    auto value = reader_.text(rows.logfile, own_);
    if (value) value = reader_.expanded(rows.logfile, *value, own_, rows.logfile.name);
    if (value) {
      const std::string word = lower(*value);
      deprecated_syslog = word == "syslog";
      if (word == "none" || word == "off" || deprecated_syslog) {
        target.kind = LogTarget::Kind::none;
      } else if (word != "auto") {
        names_a_file = true;
        reader_.take(rows.logfile, to_path_in_directory(*value, building_.host), target.path);
        target.kind = LogTarget::Kind::file;  // without a path there is no file, but the API shows "", not "none"
      }
    }
    reader_.read(rows.backups, own_, target.backups, to_integer);
    reader_.read(rows.max_bytes, own_, target.max_bytes, to_bytes);
    reader_.read(rows.syslog, own_, target.syslog, to_boolean);
    if (deprecated_syslog) {
      target.syslog = true;
      building_.warn(
          fmt::format("For [{}], {}=syslog but this is deprecated and will be removed.  Use {}=true to "
                      "enable syslog instead.",
                      section_.name(), rows.logfile.name, rows.syslog.name));
    }
    if (target.kind == LogTarget::Kind::automatic && target.max_bytes == 0) {
      building_.warn(
          fmt::format("For [{}], AUTO logging used for {} without rollover, set maxbytes > 0 to avoid "
                      "filling up filesystem unintentionally",
                      section_.name(), rows.logfile.name));
    }
    return names_a_file;
  }

  Building& building_;
  const IniSection& section_;
  Reader reader_;
  Scope names_;  // program_name and its like
  Scope own_;    // of one process: numprocs and its own variables; its parent knows process_num
  ProgramOptions common_;
  LogTarget out_;
  LogTarget err_;
  long long numprocs_ = 1;
  long long first_ = 0;
  bool name_is_final_ = false;
};

}  // namespace

std::vector<Process> read_processes(Building& building, const IniSection& section, const std::string& group) {
  return ProgramReader(building, section, group).run();
}

}  // namespace sup::config
