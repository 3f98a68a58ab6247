// environment= lists. Names are unique, and a list that is quoted again reads the same.
#include <set>

#include "config/shell_words.h"
#include "fuzz/fuzz.h"
#include "fuzz/quoted.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto environment = sup::config::parse_environment(text_of(data, size));
  if (!environment) {
    require(!environment.error().empty(), "a refusal has its reason");
    return 0;
  }
  std::set<std::string> names;
  std::string written;
  for (const auto& [name, value] : *environment) {
    require(names.insert(name).second, "names are unique");
    written += double_quoted(name) + "=" + double_quoted(value) + ",";
  }
  require(sup::config::parse_environment(written) == environment, "a quoted list is itself");
  return 0;
}
