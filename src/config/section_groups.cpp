#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/strings.h"
#include "config/reader.h"
#include "config/sections.h"
#include "config/spelling.h"

namespace sup::config {
namespace {

consteval OptionRow group_option(std::string_view name) {
  return row(tables::group, name);
}
consteval OptionRow listener_option(std::string_view name) {
  return row(tables::eventlistener, name);
}

constexpr std::string_view default_handler = "supervisor.dispatchers:default_handler";
constexpr long long longest_retry_delay = 1'000'000;  // seconds

class GroupReader {
 public:
  explicit GroupReader(Building& building) : building_(building), names_(&building.environment) {
    names_.set("here", building.here);
  }

  std::vector<Group> run() {
    each("group:", [&](const IniSection& section) { read_group(section); });
    each("program:", [&](const IniSection& section) { read_program(section); });
    each("eventlistener:", [&](const IniSection& section) { read_listener(section); });
    each("fcgi-program:", [&](const IniSection& section) { read_fcgi(section); });
    std::stable_sort(groups_.begin(), groups_.end(), [](const Group& a, const Group& b) {
      return a.priority != b.priority ? a.priority < b.priority : a.name < b.name;
    });
    drop_duplicate_groups();
    for (auto& group : groups_)
      drop_duplicate_processes(group);
    return std::move(groups_);
  }

 private:
  template <class Action>
  void each(std::string_view prefix, Action action) {
    for (const auto& section : building_.document.sections())
      if (section.name().starts_with(prefix) && !members_.contains(section.name())) action(section);
  }

  Reader reader_of(const IniSection& section) { return {building_.document, section, building_.problems}; }

  // A group named after the section; nullopt if the name is no good.
  std::optional<Group> begin(Reader& reader) {
    auto name = to_name(name_of(reader.section()));
    if (!name) {
      reader.fail_section(std::move(name.error().message), std::move(name.error().hint));
      return std::nullopt;
    }
    Group group;
    group.name = std::move(*name);
    group.place = reader.section().place();
    return group;
  }

  void read_priority(Reader& reader, Group& group) {
    reader.read(group_option("priority"), names_, group.priority, to_integer);
  }

  // ---- [group:x]

  void read_group(const IniSection& section) {
    Reader reader = reader_of(section);
    auto group = begin(reader);
    if (!group) return;
    std::vector<std::string> members;
    if (const auto text = reader.text(group_option("programs"), names_)) members = to_list(*text);
    read_priority(reader, *group);
    // Supervisor's message about the second and later members names the section of the member before.
    std::string named = section.name();
    for (const auto& member : members) {
      const auto* found = find_member(reader, named, member);
      if (found == nullptr) continue;
      named = found->name();
      members_.insert(named);
      add_member(*group, *found);
    }
    groups_.push_back(std::move(*group));
  }

  const IniSection* find_member(Reader& reader, const std::string& named, const std::string& member) {
    const auto* program = building_.document.find("program:" + member);
    const auto* fcgi = building_.document.find("fcgi-program:" + member);
    if (program != nullptr && fcgi != nullptr) {
      reader.fail(group_option("programs"),
                  fmt::format("[{}] name {} is ambiguous (exists as program and fcgi-program)", named, member));
      return nullptr;
    }
    if (program == nullptr && fcgi == nullptr) {
      reader.fail(group_option("programs"), fmt::format("[{}] names unknown program or fcgi-program {}", named, member),
                  member_hint(member));
    }
    return program != nullptr ? program : fcgi;
  }

  [[nodiscard]] std::string member_hint(const std::string& member) const {
    if (member.empty()) return "there is a comma too many";
    std::vector<std::string_view> known;
    for (const auto& section : building_.document.sections()) {
      const bool may_be_member = section.name().starts_with("program:") || section.name().starts_with("fcgi-program:");
      if (may_be_member) known.push_back(name_of(section));
    }
    const auto near = nearest(member, known);
    return near.empty() ? std::string() : fmt::format("did you mean {}?", near);
  }

  void add_member(Group& group, const IniSection& section) {
    auto processes = read_processes(building_, section, group.name);
    std::optional<FcgiSocket> socket;
    if (section.name().starts_with("fcgi-program:")) socket = read_fcgi_socket(building_, section, false);
    if (socket || !group.sockets.empty()) {
      group.sockets.resize(group.processes.size());
      group.sockets.resize(group.processes.size() + processes.size(), socket);
    }
    std::move(processes.begin(), processes.end(), std::back_inserter(group.processes));
  }

  // ---- groups of one section

  void read_program(const IniSection& section) {
    Reader reader = reader_of(section);
    auto group = begin(reader);
    if (!group) return;
    read_priority(reader, *group);
    if (!reader.failed()) group->processes = read_processes(building_, section, group->name);
    groups_.push_back(std::move(*group));
  }

  void read_fcgi(const IniSection& section) {
    Reader reader = reader_of(section);
    auto group = begin(reader);
    if (!group) return;
    read_priority(reader, *group);
    const auto socket = read_fcgi_socket(building_, section, true);
    if (!reader.failed()) group->processes = read_processes(building_, section, group->name);
    group->sockets.assign(group->processes.size(), socket);
    groups_.push_back(std::move(*group));
  }

  void read_listener(const IniSection& section) {
    Reader reader = reader_of(section);
    Group group;
    group.name = name_of(section);
    group.place = section.place();
    group.priority = -1;
    group.pool.emplace();
    read_priority(reader, group);
    read_pool(reader, *group.pool);
    bool redirect = false;
    constexpr auto redirect_row = row(tables::program, "redirect_stderr");
    if (reader.read(redirect_row, names_, redirect, to_boolean) && redirect) {
      reader.fail(redirect_row, fmt::format("[{}] section sets redirect_stderr=true but this is not allowed because it "
                                            "will interfere with the eventlistener protocol",
                                            section.name()));
    }
    if (!reader.failed()) group.processes = read_processes(building_, section, group.name);
    groups_.push_back(std::move(group));
  }

  void read_pool(Reader& reader, Pool& pool) {
    const std::string& section = reader.section().name();
    if (reader.read(listener_option("buffer_size"), names_, pool.buffer_size, to_integer) && pool.buffer_size < 1) {
      reader.fail(listener_option("buffer_size"),
                  fmt::format("[{}] section sets invalid buffer_size ({})", section, pool.buffer_size));
    }
    reader.read(listener_option("length_in_bytes"), names_, pool.length_in_bytes, to_boolean);
    if (reader.read(listener_option("retry_delay"), names_, pool.retry_delay, to_integer) &&
        (pool.retry_delay < 0 || pool.retry_delay > longest_retry_delay)) {
      reader.fail(listener_option("retry_delay"),
                  fmt::format("[{}] section sets invalid retry_delay ({})", section, pool.retry_delay));
    }
    const auto handler = reader.text(listener_option("result_handler"), names_);
    if (handler && trim(*handler) != default_handler) {
      reader.fail(listener_option("result_handler"), unresolved(*handler, section, default_handler));
    }
    std::vector<std::string> wanted;
    if (const auto text = reader.text(listener_option("events"), names_)) wanted = to_list(upper(*text));
    if (wanted.empty()) reader.fail_section(fmt::format("[{}] section requires an \"events\" line", section));
    for (auto& event : wanted) {
      if (!is_event_name(event)) {
        const auto names = event_names();
        const auto near = nearest(event, {names.begin(), names.end()});
        reader.fail(listener_option("events"), fmt::format("Unknown event type {} in [{}] events", event, section),
                    near.empty() ? std::string() : fmt::format("did you mean {}?", near));
      } else if (std::find(pool.events.begin(), pool.events.end(), event) == pool.events.end()) {
        pool.events.push_back(std::move(event));
      }
    }
  }

  // ---- names that come twice

  // Supervisor keeps the group that sorts first and says nothing.
  void drop_duplicate_groups() {
    std::unordered_set<std::string_view> seen;
    std::vector<Group> kept;
    kept.reserve(groups_.size());
    for (auto& group : groups_) {
      if (seen.contains(group.name)) {
        building_.warn(
            fmt::format("Group name '{}' is used more than once, only the first by priority is kept", group.name));
        continue;
      }
      kept.push_back(std::move(group));
      seen.insert(kept.back().name);
    }
    groups_ = std::move(kept);
  }

  // As in Supervisor's table of processes the last one wins, in the place of the first.
  void drop_duplicate_processes(Group& group) {
    std::unordered_map<std::string, std::size_t> places;
    std::vector<std::size_t> dropped;
    for (std::size_t i = 0; i < group.processes.size(); ++i) {
      const auto [found, added] = places.try_emplace(group.processes[i].name, i);
      if (added) continue;
      building_.warn(fmt::format("Process name '{}' is used more than once in group '{}', the last one is kept",
                                 group.processes[i].name, group.name));
      std::swap(group.processes[found->second], group.processes[i]);
      if (!group.sockets.empty()) std::swap(group.sockets[found->second], group.sockets[i]);
      dropped.push_back(i);
    }
    if (dropped.empty()) return;
    std::size_t kept = 0;
    for (std::size_t i = 0, next = 0; i < group.processes.size(); ++i) {
      if (next < dropped.size() && dropped[next] == i) {
        ++next;
        continue;
      }
      if (kept != i) {
        group.processes[kept] = std::move(group.processes[i]);
        if (!group.sockets.empty()) group.sockets[kept] = std::move(group.sockets[i]);
      }
      ++kept;
    }
    group.processes.resize(kept);
    if (!group.sockets.empty()) group.sockets.resize(kept);
  }

  Building& building_;
  Scope names_;
  std::vector<Group> groups_;
  std::unordered_set<std::string> members_;  // sections that some group has
};

}  // namespace

std::vector<Group> read_groups(Building& building) {
  return GroupReader(building).run();
}

}  // namespace sup::config
