// The commands that act on the configuration: reread, update, add, remove.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "ctl/actions.h"
#include "ctl/commands.h"
#include "ctl/names.h"

namespace sup::ctl {
namespace {

using api::FaultCode;
using Names = std::vector<std::string>;

struct Changes {
  Names added, changed, removed;
};

// reloadConfig answers with [[added, changed, removed]].
Changes changes_of(const api::Value& answer) {
  Changes changes;
  if (elements(answer).empty()) return changes;
  const api::Array& lists = elements(elements(answer).front());
  Names* const targets[] = {&changes.added, &changes.changed, &changes.removed};
  for (std::size_t i = 0; i < std::min(lists.size(), std::size(targets)); ++i) {
    for (const api::Value& name : elements(lists[i]))
      targets[i]->push_back(shown(name));
  }
  return changes;
}

void show_changes(Session& session, const Changes& changes) {
  std::map<std::string, std::string_view> words;  // sorted by name
  for (const std::string& name : changes.added)
    words[name] = "available";
  for (const std::string& name : changes.changed)
    words[name] = "changed";
  for (const std::string& name : changes.removed)
    words[name] = "disappeared";
  for (const auto& [name, word] : words)
    session.say(fmt::format("{}: {}", name, word));
  if (words.empty()) session.say("No config updates to processes");
}

void refuse(Session& session, std::string_view line) {
  session.say(line);
  session.set_status(exit_status::generic);
}

// Says which of the wanted groups exist neither now nor after the update.
Tried<> refuse_unknown(Session& session, const Names& wanted, const Names& added) {
  const auto infos = session.call("getAllProcessInfo");
  if (!infos) return std::unexpected(infos.error());
  const auto known = [&](const std::string& name) {
    return std::ranges::find(added, name) != added.end() ||
           std::ranges::any_of(elements(*infos), [&](const auto& info) { return text_of(info, "group") == name; });
  };
  for (const std::string& name : wanted)
    if (!known(name)) refuse(session, fmt::format("ERROR: no such group: {}", name));
  return {};
}

Tried<> call_all(Session& session, std::initializer_list<std::string_view> methods, const std::string& group) {
  for (const std::string_view method : methods)
    if (const auto done = session.call(method, {group}); !done) return std::unexpected(done.error());
  return {};
}

Tried<> update_removed(Session& session, const std::string& group) {
  const auto results = session.call("stopProcessGroup", {group});
  if (!results) return std::unexpected(results.error());
  session.say(fmt::format("{}: stopped", group));
  const auto has_failed = [](const api::Value& result) {
    return number_of(result, "status") == static_cast<int>(FaultCode::failed);
  };
  if (std::ranges::any_of(elements(*results), has_failed)) {
    refuse(session, fmt::format("{}: has problems; not removing", group));
    return {};
  }
  if (const auto done = call_all(session, {"removeProcessGroup"}, group); !done) return done;
  session.say(fmt::format("{}: removed process group", group));
  return {};
}

Tried<> update_changed(Session& session, const std::string& group) {
  if (const auto done = call_all(session, {"stopProcessGroup"}, group); !done) return done;
  session.say(fmt::format("{}: stopped", group));
  const auto done = call_all(session, {"removeProcessGroup", "addProcessGroup"}, group);
  if (!done) return done;
  session.say(fmt::format("{}: updated process group", group));
  return {};
}

Tried<> update_added(Session& session, const std::string& group) {
  if (const auto done = call_all(session, {"addProcessGroup"}, group); !done) return done;
  session.say(fmt::format("{}: added process group", group));
  return {};
}

}  // namespace

Tried<> reread(Session& session, std::string_view arguments) {
  if (!arguments.empty()) {
    refuse_usage(session, "reread", "Error: reread accepts no arguments");
    return {};
  }
  const auto answer = session.call("reloadConfig");
  if (answer) {
    show_changes(session, changes_of(*answer));
  } else if (answer.error().is(FaultCode::shutdown_state)) {
    refuse(session, "ERROR: supervisor shutting down");
  } else if (answer.error().is(FaultCode::cant_reread)) {
    refuse(session, fmt::format("ERROR: {}", answer.error().text));
  } else {
    return std::unexpected(answer.error());
  }
  return {};
}

Tried<> update(Session& session, std::string_view arguments) {
  const auto answer = session.call("reloadConfig");
  if (!answer) {
    if (!answer.error().is(FaultCode::shutdown_state)) return std::unexpected(answer.error());
    refuse(session, "ERROR: already shutting down");
    return {};
  }
  const Changes changes = changes_of(*answer);
  Names wanted;  // empty: all
  for (const std::string& name : words(arguments))
    if (std::ranges::find(wanted, name) == wanted.end()) wanted.push_back(name);
  if (names_all(wanted)) wanted.clear();
  if (!wanted.empty()) {
    if (const auto checked = refuse_unknown(session, wanted, changes.added); !checked) return checked;
  }
  const auto each = [&](const Names& groups, Tried<> (*action)(Session&, const std::string&)) -> Tried<> {
    for (const std::string& group : groups) {
      if (!wanted.empty() && std::ranges::find(wanted, group) == wanted.end()) continue;
      if (const auto done = action(session, group); !done) return done;
    }
    return {};
  };
  if (const auto done = each(changes.removed, update_removed); !done) return done;
  if (const auto done = each(changes.changed, update_changed); !done) return done;
  return each(changes.added, update_added);
}

Tried<> add(Session& session, std::string_view arguments) {
  for (const std::string& name : words(arguments)) {
    const auto done = session.call("addProcessGroup", {name});
    if (done) {
      session.say(fmt::format("{}: added process group", name));
    } else if (done.error().is(FaultCode::shutdown_state)) {
      refuse(session, "ERROR: shutting down");
    } else if (done.error().is(FaultCode::already_added)) {
      session.say("ERROR: process group already active");
    } else if (done.error().is(FaultCode::bad_name)) {
      refuse(session, fmt::format("ERROR: no such process/group: {}", name));
    } else {
      return std::unexpected(done.error());
    }
  }
  return {};
}

Tried<> remove(Session& session, std::string_view arguments) {
  for (const std::string& name : words(arguments)) {
    const auto done = session.call("removeProcessGroup", {name});
    if (done) {
      session.say(fmt::format("{}: removed process group", name));
    } else if (done.error().is(FaultCode::still_running)) {
      refuse(session, fmt::format("ERROR: process/group still running: {}", name));
    } else if (done.error().is(FaultCode::bad_name)) {
      refuse(session, fmt::format("ERROR: no such process/group: {}", name));
    } else {
      return std::unexpected(done.error());
    }
  }
  return {};
}

}  // namespace sup::ctl
