// Fakes for the tests of this module: a daemon with answers written down beforehand, a terminal made of strings.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "base/strings.h"
#include "ctl/remote.h"
#include "ctl/session.h"
#include "ctl/shell.h"
#include "ctl/terminal.h"

namespace sup::ctl::testing {

class FakeRemote final : public Remote {
 public:
  // The answers to a method, one after the other; the last one stays.
  std::map<std::string, std::deque<Tried<api::Value>>> answers{{"getVersion", {api::Value("3.0")}}};
  Tried<> stream_end;
  std::vector<std::string> pieces;  // of every stream

  std::vector<std::string> log;  // "start cat", without the getVersion calls; "GET /path"
  Server server;
  int connections = 0;
  int following = 0;

  void answer(const std::string& method, Tried<api::Value> value) { answers[method].push_back(std::move(value)); }
  void fault(const std::string& method, api::FaultCode code, std::optional<std::string_view> extra = {}) {
    answer(method, refused(api::make_fault(code, extra)));
  }

  void use(const Server& to) override {
    server = to;
    ++connections;
  }
  Tried<api::Value> call(const std::string& full, std::vector<api::Value> params) override {
    const std::string method = full.substr(full.find('.') + 1);
    std::string line = method;
    for (const api::Value& param : params)
      line += ' ' + shown(param);
    if (method != "getVersion") log.push_back(line);
    auto& left = answers[method];
    if (left.empty()) return true;
    auto result = left.front();
    if (left.size() > 1) left.pop_front();
    return result;
  }
  Tried<> stream(const std::string& path, const Sink& sink, int) override {
    log.push_back("GET " + path);
    for (const std::string& piece : pieces)
      sink(piece);
    return stream_end;
  }
  std::unique_ptr<Following> follow(std::string path, Sink sink, std::function<void(const Failure&)> report) override {
    const auto end = stream(path, sink, -1);
    if (!end) report(end.error());
    struct Counted : Following {
      explicit Counted(int& count) : count_(count) { ++count_; }
      ~Counted() override { --count_; }
      int& count_;
    };
    return std::make_unique<Counted>(following);
  }
};

class FakeTerminal final : public Terminal {
 public:
  std::string out, err, unflushed;
  std::deque<std::string> input;  // lines that will be typed
  std::deque<Input> events;       // what wait_for_line() gives; then the end of input
  bool was_interrupted = false;
  int catching = 0;

  void write(std::string_view text) override { unflushed += text; }
  void flush() override { out += std::exchange(unflushed, {}); }
  void write_now(std::string_view text) override { out += text; }
  void complain(std::string_view text) override { err += text; }
  std::optional<std::string> ask(const std::string& question) override {
    out += question;
    if (input.empty()) return std::nullopt;
    std::string line = std::move(input.front());
    input.pop_front();
    return line;
  }
  std::optional<std::string> ask_secretly(const std::string& question) override { return ask(question); }
  std::optional<std::string> read_command(const std::string& prompt) override { return ask(prompt); }
  int catch_interrupts() override { return ++catching, -1; }
  void release_interrupts() override { --catching; }
  bool interrupted() override { return was_interrupted; }
  Input wait_for_line(std::chrono::milliseconds) override {
    if (events.empty()) return {Input::Kind::end, {}};
    Input event = events.front();
    events.pop_front();
    return event;
  }
};

// One supervisorctl: run() gives what a command printed, and how its exit status came out.
struct Bench {
  FakeRemote remote;
  FakeTerminal terminal;
  bool interactive = false;
  int status = 0;

  std::string run(std::string_view line) {
    Session session(remote, terminal, {"unix:///s", {}, {}}, interactive);
    terminal.out.clear();
    execute(session, line);
    status = session.status();
    return terminal.out;
  }
};

// Answers of the API.
inline api::Value process(std::string group, std::string name, int state, std::string state_name,
                          std::string description, int pid = 0) {
  return api::Struct{{"name", std::move(name)},
                     {"group", std::move(group)},
                     {"state", state},
                     {"statename", std::move(state_name)},
                     {"pid", pid},
                     {"description", std::move(description)}};
}
inline api::Value result(std::string group, std::string name, api::FaultCode code, std::string description = "OK") {
  return api::Struct{{"name", std::move(name)},
                     {"group", std::move(group)},
                     {"status", static_cast<int>(code)},
                     {"description", std::move(description)}};
}

}  // namespace sup::ctl::testing
