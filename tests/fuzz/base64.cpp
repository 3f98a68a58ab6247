// Base64: encoding and decoding gives the bytes back, whatever stands between the characters.
#include "base/base64.h"

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  const std::string_view bytes = text_of(data, size);
  const std::string encoded = sup::base64_encode(bytes);
  require(encoded.size() == (size + 2) / 3 * 4, "base64 has its size");
  require(sup::base64_decode(encoded) == bytes, "encoded bytes come back");
  const auto decoded = sup::base64_decode(bytes);
  if (!decoded) return 0;
  require(decoded->size() <= size / 4 * 3 + 3, "decoding does not grow a text");
  require(sup::base64_decode(sup::base64_encode(*decoded)) == decoded, "decoded bytes can be encoded");
  return 0;
}
