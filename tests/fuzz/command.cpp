// Splitting command lines. Words that are quoted again split the same.
#include "config/shell_words.h"
#include "fuzz/fuzz.h"
#include "fuzz/quoted.h"

namespace sup::fuzz {
namespace {

std::string single_quoted(std::string_view word) {
  std::string out = "'";
  for (const char c : word)
    out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const auto words = sup::config::shell_split(text_of(data, size));
  if (!words) {
    require(!words.error().empty(), "a refusal has its reason");
    return 0;
  }
  std::string with_single, with_double;
  for (const std::string& word : *words) {
    with_single += single_quoted(word) + " ";
    with_double += double_quoted(word) + "\n";
  }
  require(sup::config::shell_split(with_single) == words, "words in single quotes are themselves");
  require(sup::config::shell_split(with_double) == words, "words in double quotes are themselves");
  return 0;
}
