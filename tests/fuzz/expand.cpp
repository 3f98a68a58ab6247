// %(name)s in values. Text with its percent signs doubled comes back as it was.
#include "config/expand.h"

#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const std::string text(text_of(data, size));
  sup::config::Scope environment;
  environment.set("ENV_HOME", "/home/ö");
  environment.set("here", "outer");
  sup::config::Scope scope(&environment);
  scope.set("here", "/etc");
  scope.set("program_name", "a'b\n");
  scope.set("process_num", -7LL);
  scope.set("", 3LL);

  const auto expanded = sup::config::expand(text, scope, "program:x.command");
  if (expanded) {
    const auto percents = static_cast<std::size_t>(std::count(text.begin(), text.end(), '%'));
    require(expanded->size() <= text.size() + percents * 70'000, "a conversion has a largest size");
  } else {
    require(!expanded.error().message.empty(), "a refusal has its reason");
  }

  std::string escaped;
  for (const char c : text)
    escaped += c == '%' ? "%%" : std::string(1, c);
  const auto back = sup::config::expand(escaped, scope, "x");
  require(back && *back == text, "doubled percent signs come back single");
  return 0;
}
