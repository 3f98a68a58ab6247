#include "ctl/complete.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "ctl/commands.h"

namespace sup::ctl {
namespace {

constexpr std::array<std::string_view, 3> take_groups{"add", "remove", "update"};
constexpr std::array<std::string_view, 9> take_processes{"clear", "fg",     "pid",  "restart", "signal",
                                                         "start", "status", "stop", "tail"};

bool contains(const auto& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

void offer(std::vector<std::string>& list, std::string_view word, const std::string& candidate) {
  if (!candidate.starts_with(word)) return;
  std::string spaced = candidate + ' ';
  if (!contains(list, spaced)) list.push_back(std::move(spaced));
}

std::vector<std::string> actions(std::string_view word) {
  std::vector<std::string> list;
  for (const Command& command : commands())
    if (command.listed || command.name == "help") offer(list, word, std::string(command.name));
  return list;
}

}  // namespace

std::vector<std::string> Completer::candidates(std::string_view line, std::string_view word) {
  const auto typed = split_words(line);
  if (typed.empty() || (typed.size() == 1 && !line.ends_with(' '))) return actions(word);
  if (typed[0] == "help") return actions(word);
  if (contains(take_groups, typed[0])) return groups(word);
  if (contains(take_processes, typed[0])) return processes(word);
  return {};
}

std::vector<std::string> Completer::groups(std::string_view word) {
  std::vector<std::string> list;
  for (const api::Value& info : infos())
    offer(list, word, std::string(text_of(info, "group")));
  return list;
}

std::vector<std::string> Completer::processes(std::string_view word) {
  std::vector<std::string> list;
  for (const api::Value& info : infos()) {
    const std::string_view group = text_of(info, "group");
    const std::string_view name = text_of(info, "name");
    if (!word.contains(':') && name == group) {
      offer(list, word, std::string(name));
    } else {
      offer(list, word, fmt::format("{}:{}", group, name));
      offer(list, word, fmt::format("{}:*", group));
    }
  }
  return list;
}

const api::Array& Completer::infos() {
  if (!processes_) {
    auto answer = session_.call("getAllProcessInfo");
    if (!answer) session_.reconnect();
    processes_ = answer ? std::move(*answer) : api::Value(api::Array{});
  }
  return elements(*processes_);
}

std::size_t word_start(std::string_view line) {
  return line.find_last_of(" \t\n`~!@#$%^&()=+[{]}\\|;'\",<>/?") + 1;  // npos + 1 is 0
}

std::string common_prefix(const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "";
  std::string_view prefix = candidates.front();
  for (const std::string& candidate : candidates) {
    const auto end = std::ranges::mismatch(prefix, candidate).in1;
    prefix = prefix.substr(0, static_cast<std::size_t>(end - prefix.begin()));
  }
  return std::string(prefix);
}

}  // namespace sup::ctl
