// What the fuzz targets share.
//
// A target gives its bytes to one parser and then states what must hold for whatever it was given: that writing and
// reading again changes nothing, that it does not matter how a stream is cut into pieces, that limits are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sup::fuzz {

// libFuzzer keeps the input of a process that aborts.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "\nProperty broken: %s\n", property);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes the first byte of the input, which decides about the conditions under which the rest is read.
inline unsigned take_choice(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto choice = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return choice;
}

// An input whose first byte is a choice.
struct Input {
  unsigned choice = 0;
  std::string_view bytes;
};

inline Input input_of(const std::uint8_t* data, std::size_t size) {
  Input input{0, text_of(data, size)};
  input.choice = take_choice(input.bytes);
  return input;
}

// Calls `use` with one piece of `bytes` after the other, cut as `choice` decides. 0 cuts nothing.
template <class Use>
void in_pieces(std::string_view bytes, unsigned choice, Use use) {
  std::uint32_t random = choice;
  while (!bytes.empty()) {
    random = random * 1664525U + 1013904223U;
    const std::size_t size = choice == 0 ? bytes.size() : 1 + (random >> 16) % (choice % 32 + 1);
    const std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(piece.size());
    use(piece);
  }
}

}  // namespace sup::fuzz
