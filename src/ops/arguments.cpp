#include "ops/arguments.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

#include "base/signals.h"
#include "base/strings.h"

namespace sup::ops {
namespace {

using api::FaultCode;
using api::Value;

std::string python_float(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e16) return fmt::format("{:.1f}", number);
  return fmt::format("{}", number);
}

// "20200101T12:30:00" -> "2020-01-01 12:30:00"; other texts stay as they are.
std::string python_datetime(const std::string& text) {
  if (text.size() != 17 || text[8] != 'T') return text;
  return text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6, 2) + " " + text.substr(9);
}

constexpr std::size_t longest_shown = 1000;  // of an argument, in bytes
constexpr std::size_t longest_name = 64 * 1024;

std::string_view beginning(std::string_view text) { return text.substr(0, longest_shown + 1); }

// Not much longer than longest_shown, whatever the value is: what comes behind that is left out.
std::string python_value(const Value& value, bool nested) {
  struct Visitor {
    bool nested;
    std::string operator()(const api::Nil&) const { return "None"; }
    std::string operator()(bool b) const { return b ? "True" : "False"; }
    std::string operator()(std::int64_t i) const { return std::to_string(i); }
    std::string operator()(double d) const { return python_float(d); }
    std::string operator()(const std::string& s) const {
      return nested ? python_repr(beginning(s)) : std::string(beginning(s));
    }
    std::string operator()(const api::Opaque& o) const {
      const std::string text(beginning(o.text));
      return o.type == "int" ? text : python_datetime(text);
    }
    std::string operator()(const api::Stream&) const { return {}; }  // never an argument
    std::string operator()(const api::Array& a) const {
      std::string out = "[";
      for (const Value& item : a) {
        out += (out.size() > 1 ? ", " : "") + python_value(item, true);
        if (out.size() > longest_shown) return out;
      }
      return out + "]";
    }
    std::string operator()(const api::Struct& s) const {
      std::string out = "{";
      for (const auto& [key, item] : s) {
        out += (out.size() > 1 ? ", " : "") + python_repr(beginning(key)) + ": " + python_value(item, true);
        if (out.size() > longest_shown) return out;
      }
      return out + "}";
    }
  };
  return std::visit(Visitor{nested}, value.variant());
}

std::int64_t last_number(bool negative) {
  return negative ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::string python_str(const Value& value) {
  std::string text = python_value(value, false);
  if (text.size() <= longest_shown) return text;
  std::size_t end = longest_shown;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  text.replace(end, std::string::npos, "...");
  return text;
}

api::Fault fault_about(api::FaultCode code, const Value& value) {
  if (value.is_nil()) return api::make_fault(code);
  return api::make_fault(code, python_str(value));
}

bool truth(const Value& value) {
  struct Visitor {
    bool operator()(const api::Nil&) const { return false; }
    bool operator()(bool b) const { return b; }
    bool operator()(std::int64_t i) const { return i != 0; }
    bool operator()(double d) const { return d != 0; }
    bool operator()(const std::string& s) const { return !s.empty(); }
    bool operator()(const api::Opaque&) const { return true; }
    bool operator()(const api::Stream&) const { return true; }  // never an argument
    bool operator()(const api::Array& a) const { return !a.empty(); }
    bool operator()(const api::Struct& s) const { return !s.empty(); }
  };
  return std::visit(Visitor{}, value.variant());
}

api::Answer<std::int64_t> integer(const Value& value) {
  if (const auto* number = value.integer()) return *number;
  if (const auto* flag = value.boolean()) return *flag ? 1 : 0;
  if (const auto* real = value.real(); real != nullptr && std::isfinite(*real)) {
    return std::abs(*real) < 0x1p63 ? static_cast<std::int64_t>(*real) : last_number(*real < 0);
  }
  if (const auto* text = value.string()) {
    if (const auto number = to_int(*text)) return *number;
    if (const auto digits = whole_number(*text)) return last_number(digits->starts_with('-'));
  }
  if (const auto* huge = std::get_if<api::Opaque>(&value.variant()); huge != nullptr && huge->type == "int") {
    return last_number(huge->text.starts_with('-'));
  }
  return std::unexpected(api::make_fault(FaultCode::incorrect_parameters));
}

bool wait_argument(Arguments args, std::size_t index) { return args.size() <= index || truth(args[index]); }

api::Answer<int> signal_number(const Value& value) {
  std::optional<long long> number;
  if (const auto given = integer(value)) {
    number = *given;
  } else if (const auto* name = value.string(); name != nullptr && name->size() < longest_shown) {
    number = signal_named(upper(trim(*name)));
  }
  // 0 asks whether the process is there; the configuration refuses it, clients may send it.
  if (!number || (*number != 0 && !is_signal(*number))) return std::unexpected(fault_about(FaultCode::bad_signal, value));
  return static_cast<int>(*number);
}

api::Answer<Namespec> namespec(const Value& value) {
  const std::string* text = value.string();
  if (text == nullptr) return std::unexpected(fault_about(FaultCode::bad_name, value));
  Namespec spec;
  // No name is that long; what is behind it need not be copied to find that out.
  const std::string_view name = std::string_view(*text).substr(0, longest_name);
  const auto colon = name.find(':');
  if (colon == name.npos) return Namespec{std::string(name), std::string(name), false};
  spec.group = name.substr(0, colon);
  spec.process = name.substr(colon + 1);
  spec.all = spec.process.empty() || spec.process == "*";
  return spec;
}

}  // namespace sup::ops
