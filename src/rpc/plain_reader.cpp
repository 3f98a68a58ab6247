#include "rpc/plain_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "rpc/reader.h"

namespace sup::rpc {
namespace {

using api::Array;
using api::Struct;
using api::Value;

constexpr int max_depth = 20;               // of values in values
constexpr std::size_t max_members = 32;     // of a struct: they are compared with each other
constexpr std::size_t max_values = 40'000;  // of a request: well within reader.h's limit of tags

bool is_white(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Each function reads what it is called after and leaves the rest, or answers that this is not plain.
class PlainReader {
 public:
  PlainReader(std::string_view body, Dialect dialect) : rest_(body), dialect_(dialect) {}

  void declaration() {
    for (const std::string_view usual : {"<?xml version='1.0'?>", "<?xml version=\"1.0\"?>",
                                         "<?xml version='1.0' encoding='utf-8'?>",
                                         "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
                                         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"})
      if (word(usual)) return;
  }

  bool word(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  // The tag, with white space around it.
  bool tag(std::string_view text) {
    space();
    if (!word(text)) return false;
    space();
    return true;
  }
  // Is it the next?
  bool has(std::string_view text) {
    space();
    return rest_.starts_with(text);
  }
  bool at_end() {
    space();
    return rest_.empty();
  }

  // <name>text</name>, but for the first tag.
  bool text_until(std::string_view end_tag, std::string& text) {
    const auto end = rest_.find('<');
    if (end == rest_.npos) return false;
    const auto raw = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word(end_tag) && decode(raw, text);
  }

  bool value(Value& into, int depth = 0) {
    if (depth > max_depth || !word("<value>")) return false;
    if (++values_ > max_values && dialect_ == Dialect::request) return false;
    const auto before = rest_.substr(0, rest_.find('<'));
    if (before.size() == rest_.size()) return false;
    rest_.remove_prefix(before.size());
    if (word("</value>")) return bare(before, into);
    if (!std::ranges::all_of(before, is_white) || !content(into, depth)) return false;
    space();
    return word("</value>");
  }

 private:
  void space() {
    while (!rest_.empty() && is_white(rest_.front()))
      rest_.remove_prefix(1);
  }

  bool bare(std::string_view raw, Value& into) {
    std::string text;
    if (!decode(raw, text)) return false;
    into = Value(std::move(text));
    return true;
  }

  bool content(Value& into, int depth) {
    if (word("<string>")) {
      std::string text;
      if (!text_until("</string>", text)) return false;
      into = Value(std::move(text));
      return true;
    }
    if (word("<struct>")) return members(into, depth);
    if (word("<array>")) return items(into, depth);
    return scalar(into);
  }

  bool scalar(Value& into) {
    const auto end = rest_.find('>');
    if (end == rest_.npos || end < 2) return false;
    const auto name = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    const auto close = rest_.find('<');
    if (close == rest_.npos) return false;
    const auto raw = rest_.substr(0, close);
    rest_.remove_prefix(close);
    if (!word("</") || !word(name) || !word(">") || !is_as_it_stands(raw)) return false;
    auto held = read_typed(name, raw, dialect_);
    if (!held || !*held) return false;
    into = std::move(**held);
    return true;
  }

  bool items(Value& into, int depth) {
    if (!tag("<data>")) return false;
    Array items;
    while (rest_.starts_with("<value>")) {
      if (!value(items.emplace_back(), depth + 1)) return false;
      space();
    }
    if (!tag("</data>") || !word("</array>")) return false;
    into = Value(std::move(items));
    return true;
  }

  bool members(Value& into, int depth) {
    Struct members;
    members.reserve(expected_members_);
    space();
    while (word("<member>")) {
      if (members.size() == max_members) return false;
      api::Member& member = members.emplace_back();
      space();
      if (!word("<name>") || !text_until("</name>", member.first)) return false;
      for (std::size_t i = 0; i + 1 < members.size(); ++i)
        if (members[i].first == member.first) return false;
      space();
      if (!value(member.second, depth + 1) || !tag("</member>")) return false;
    }
    if (!word("</struct>")) return false;
    expected_members_ = members.size();
    into = Value(std::move(members));
    return true;
  }

  // Is the text itself what it stands for?
  static bool is_as_it_stands(std::string_view raw) {
    return raw.find('&') == raw.npos && raw.find('\r') == raw.npos && xml_safe_prefix(raw) == raw.size();
  }

  static bool decode(std::string_view raw, std::string& text) {
    if (raw.find('&') == raw.npos) {
      if (!is_as_it_stands(raw)) return false;
      text.assign(raw);
      return true;
    }
    struct Entity {
      std::string_view name;
      char stands_for;
    };
    constexpr Entity entities[]{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    text.clear();
    while (!raw.empty()) {
      const auto good = raw.substr(0, raw.find('&'));
      if (!is_as_it_stands(good)) return false;
      text.append(good);
      raw.remove_prefix(good.size());
      if (raw.empty()) break;
      const auto* entity = std::ranges::find_if(entities, [&](const Entity& e) { return raw.starts_with(e.name); });
      if (entity == std::end(entities)) return false;
      text += entity->stands_for;
      raw.remove_prefix(entity->name.size());
    }
    return true;
  }

  std::string_view rest_;
  Dialect dialect_;
  std::size_t values_ = 0;
  std::size_t expected_members_ = 0;  // as many as the last struct had
};

}  // namespace

std::optional<Call> read_plain_call(std::string_view body) {
  PlainReader reader(body, Dialect::request);
  Call call;
  reader.declaration();
  if (!reader.tag("<methodCall>") || !reader.word("<methodName>")) return std::nullopt;
  if (!reader.text_until("</methodName>", call.method) || call.method.empty()) return std::nullopt;
  if (reader.has("<params>")) {
    if (!reader.tag("<params>")) return std::nullopt;
    while (reader.has("<param>")) {
      if (!reader.tag("<param>") || !reader.value(call.params.emplace_back()) || !reader.tag("</param>"))
        return std::nullopt;
    }
    if (!reader.tag("</params>")) return std::nullopt;
  }
  if (!reader.tag("</methodCall>") || !reader.at_end()) return std::nullopt;
  return call;
}

std::optional<Value> read_plain_reply(std::string_view body) {
  PlainReader reader(body, Dialect::reply);
  Value value;
  reader.declaration();
  const bool plain = reader.tag("<methodResponse>") && reader.tag("<params>") &&
                     reader.tag("<param>") && reader.value(value) && reader.tag("</param>") &&
                     reader.tag("</params>") && reader.tag("</methodResponse>") && reader.at_end();
  return plain ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace sup::rpc
