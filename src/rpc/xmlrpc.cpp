#include "rpc/xmlrpc.h"

#include <cstdint>
#include <pugixml.hpp>
#include <string>
#include <utility>

#include "rpc/plain_reader.h"
#include "rpc/reader.h"
#include "rpc/writer.h"

namespace sup::rpc {
namespace {

using api::Answer;
using api::Fault;
using api::Value;

constexpr std::string_view declaration = "<?xml version='1.0'?>\n";

// The last element to end that is called `name`, anywhere below `root`: where Supervisor finds method name and
// parameters, whatever the elements around them are called.
pugi::xml_node find_anywhere(const pugi::xml_node& root, std::string_view name) {
  pugi::xml_node found;
  for (pugi::xml_node node = root; node;) {
    const bool match = node.name() == name;
    if (match) found = node;
    if (!match && node.first_child()) {
      node = node.first_child();
      continue;
    }
    while (node != root && !node.next_sibling())
      node = node.parent();
    if (node == root) break;
    node = node.next_sibling();
  }
  return found;
}

Result<std::vector<Value>> read_params(const pugi::xml_node& params, Dialect dialect, int nesting) {
  std::vector<Value> values;
  for (const auto& param : params) {
    if (param.type() != pugi::node_element) continue;
    auto value = read_element(param, dialect, max_depth - nesting);
    if (!value) return std::unexpected(std::move(value.error()));
    values.push_back(std::move(*value));
  }
  return values;
}

Value fault_value(const Fault& fault) {
  return api::Struct{{"faultCode", static_cast<int>(fault.code)}, {"faultString", fault.text}};
}

Result<Answer<Value>> read_fault(const pugi::xml_node& fault) {
  const auto value = read_element(fault.child("value"), Dialect::reply);
  if (!value) return std::unexpected(value.error());
  const Value* code = value->find("faultCode");
  const Value* text = value->find("faultString");
  if (code == nullptr || code->integer() == nullptr || text == nullptr || text->string() == nullptr)
    return fail("the fault in the reply has no code or no text");
  return Answer<Value>(std::unexpected(Fault{static_cast<api::FaultCode>(*code->integer()), *text->string()}));
}

}  // namespace

Result<Call> parse_call(std::string_view body, int nesting) {
  // Below that its own limit might be the higher one.
  if (nesting >= usual_nesting)
    if (auto call = read_plain_call(body)) return std::move(*call);
  return parse_any_call(body, nesting);
}

Result<Call> parse_any_call(std::string_view body, int nesting) {
  pugi::xml_document document;
  if (!load_xml(document, body, Dialect::request)) return fail("unmarshallable");
  const auto root = document.document_element();
  auto params = read_params(find_anywhere(root, "params"), Dialect::request, nesting);
  if (!params) return std::unexpected(std::move(params.error()));
  std::string method = text_of(find_anywhere(root, "methodName"));
  if (method.empty()) return fail("no method name");
  return Call{std::move(method), std::move(*params)};
}

std::string write_call(const Call& call) {
  std::size_t size = 160 + call.method.size();
  for (const Value& param : call.params)
    size += 20 + estimate_size(param);
  std::string out;
  out.reserve(size);
  out.append(declaration).append("<methodCall>\n<methodName>");
  append_text(out, call.method);
  out += "</methodName>\n<params>\n";
  for (const Value& param : call.params) {
    out += "<param>\n";
    append_value(out, param);
    out += "</param>\n";
  }
  out += "</params>\n</methodCall>\n";
  return out;
}

std::string write_reply(const Answer<Value>& answer) {
  std::string out;
  if (answer) {
    out.reserve(estimate_size(*answer) + 128);
    out.append(declaration).append("<methodResponse>\n<params>\n<param>\n");
    append_value(out, *answer);
    out += "</param>\n</params>\n</methodResponse>\n";
  } else {
    out.reserve(answer.error().text.size() + 320);
    out.append(declaration).append("<methodResponse>\n<fault>\n");
    append_value(out, fault_value(answer.error()));
    out += "</fault>\n</methodResponse>\n";
  }
  return out;
}

Result<Answer<Value>> parse_reply(std::string_view body) {
  if (auto value = read_plain_reply(body)) return Answer<Value>(std::move(*value));
  return parse_any_reply(body);
}

Result<Answer<Value>> parse_any_reply(std::string_view body) {
  pugi::xml_document document;
  if (!load_xml(document, body, Dialect::reply)) return fail("the reply is not XML");
  const auto response = document.child("methodResponse");
  if (const auto fault = response.child("fault")) return read_fault(fault);
  const auto param = response.child("params").child("param");
  if (!param) return fail("the reply is not XML-RPC");
  auto value = read_element(param, Dialect::reply);
  if (!value) return fail("the reply holds a malformed value");
  return Answer<Value>(std::move(*value));
}

}  // namespace sup::rpc
