// Parts of log files for clients: any range of any bytes, made fit for XML.
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/utf8.h"
#include "fuzz/descriptors.h"
#include "fuzz/fuzz.h"
#include "logs/read.h"

namespace sup::fuzz {
namespace {

std::int64_t take_number(std::string_view& bytes) {
  std::int64_t number = 0;
  if (bytes.size() < sizeof number) return number;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

void check_slices(std::string_view bytes, std::int64_t offset, std::int64_t length) {
  const UniqueFd file = memory_file(bytes, false);
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const auto slice = logs::read_slice(path, offset, length);
  const bool sensible = length >= 0 && (offset >= 0 || length == 0);
  require(slice.has_value() == sensible, "sensible ranges are read, and no others");
  if (slice && offset >= 0) {
    const auto from = std::min(static_cast<std::uint64_t>(offset), std::uint64_t{bytes.size()});
    const auto wanted = bytes.substr(from, length == 0 ? bytes.npos : static_cast<std::size_t>(length));
    require(*slice == wanted, "a slice is its part of the file");
  } else if (slice) {
    require(bytes.ends_with(*slice), "a negative offset means the end");
  }
  const logs::Tail tail = logs::tail(path, offset, length);
  require(tail.offset == static_cast<std::int64_t>(bytes.size()), "a tail tells where to go on");
  require(bytes.find(tail.bytes) != bytes.npos, "a tail is part of the file");
}

void check_text(std::string_view bytes) {
  const std::string text = logs::readable(bytes);
  require(xml_safe_prefix(text) == text.size(), "readable text fits into XML");
  require(text.size() <= 3 * bytes.size(), "readable text has a largest size");
  require(logs::readable(text) == text, "readable text stays as it is");
  require(xml_safe_prefix(bytes) != bytes.size() || text == bytes, "good text stays as it is");
}

}  // namespace
}  // namespace sup::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sup::fuzz;
  std::string_view bytes = text_of(data, size);
  check_text(bytes);
  const auto offset = take_number(bytes);
  check_slices(bytes, offset, take_number(bytes));
  return 0;
}
