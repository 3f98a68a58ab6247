// Escapes in addresses. Text that is escaped altogether comes back as it was.
#include "http/uri.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const std::string_view text = text_of(data, size);
  const std::string plain = sup::http::unquote(text);
  require(plain.size() <= text.size(), "unquoting does not grow a text");
  require(text.find('%') != text.npos || plain == text, "without percent signs nothing happens");

  constexpr std::string_view digits = "0123456789aBcDeF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    escaped += '%';
    escaped += digits[byte >> 4];
    escaped += digits[byte & 15];
  }
  require(sup::http::unquote(escaped) == text, "escaped bytes come back");
  return 0;
}
