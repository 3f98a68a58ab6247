// A machine in memory with the configuration files that an input stands for.
#pragma once

#include <string>
#include <string_view>

#include "support/fake_host.h"

namespace sup::fuzz {

inline const std::string main_file = "/etc/supervisord.conf";

// The bytes up to a line of three percent signs are the main file; those behind it /etc/conf.d/a.conf.
inline test::FakeHost machine_with(std::string_view text) {
  constexpr std::string_view border = "\n%%%\n";
  test::FakeHost machine;
  const auto end = text.find(border);
  machine.files[main_file] = text.substr(0, end);
  if (end != text.npos) machine.files["/etc/conf.d/a.conf"] = text.substr(end + border.size());
  return machine;
}

// Many copies of long texts are legal, and no discovery.
inline bool asks_for_much(std::string_view text) {
  if (text.find("numprocs") == text.npos) return false;
  int digits = 0;
  for (const char c : text) {
    if (c != '_') digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 2) return true;
  }
  return false;
}

}  // namespace sup::fuzz
