#include "engine/standard_input.h"

#include <cerrno>
#include <utility>

#include "engine/listeners.h"

namespace sup::engine {
namespace {

const Error closed{EPIPE, "the process has no open standard input"};
const Error unreachable{EMFILE, "too many open files to write to the standard input of the process"};

}  // namespace

void StandardInput::begun(Entry& entry, UniqueFd in) {
  if (is_listener(entry) || !children_.lends()) entry.in = std::move(in);
}

void StandardInput::send(Entry& entry, Borrowed text, Written written) {
  if (entry.in) return written(inputs_.write(entry.id, entry.in.get(), std::move(text)));
  if (entry.socket != nullptr || !children_.lends()) return written(std::unexpected(closed));
  std::vector<Waiting>& waiting = waiting_[entry.id];
  if (waiting.empty()) children_.lend(entry.id);
  std::string own(text.owner == nullptr ? text.bytes : std::string_view());
  waiting.push_back({std::move(own), std::move(text), std::move(written)});
}

void StandardInput::lent(Entry& entry, UniqueFd in, bool lost) {
  // With nobody waiting it is the pipe of a process that has ended meanwhile.
  std::vector<Waiting> waiting = take_waiting(entry.id);
  if (waiting.empty()) return;
  entry.in = std::move(in);
  for (Waiting& item : waiting) {
    if (item.text.owner == nullptr) item.text = item.own;
    item.written(entry.in ? inputs_.write(entry.id, entry.in.get(), std::move(item.text))
                          : std::unexpected(lost ? unreachable : closed));
  }
}

void StandardInput::ended(Entry& entry) {
  inputs_.forget(entry.id);
  entry.in.reset();
  for (Waiting& item : take_waiting(entry.id)) item.written(std::unexpected(closed));
}

std::vector<StandardInput::Waiting> StandardInput::take_waiting(ProcessId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return {};
  auto waiting = std::move(found->second);
  waiting_.erase(found);
  return waiting;
}

}  // namespace sup::engine
