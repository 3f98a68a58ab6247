#include "ctl/format.h"

#include <algorithm>

#include "base/strings.h"

namespace sup::ctl {
namespace {

// How wide each column is with that many lines.
std::vector<std::size_t> column_widths(const std::vector<std::string>& names, std::size_t lines) {
  std::vector<std::size_t> widths((names.size() + lines - 1) / lines, 0);
  for (std::size_t i = 0; i < names.size(); ++i) {
    widths[i / lines] = std::max(widths[i / lines], utf8_length(names[i]));
  }
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  std::size_t sum = 2 * (widths.size() - 1);
  for (const std::size_t width : widths)
    sum += width;
  return sum;
}

}  // namespace

std::string padded(std::string_view text, std::size_t width) {
  std::string result(text);
  const std::size_t length = utf8_length(text);
  if (length < width) result.append(width - length, ' ');
  return result;
}

std::string columnize(const std::vector<std::string>& names, std::size_t width) {
  if (names.empty()) return "<empty>\n";
  if (names.size() == 1) return names[0] + '\n';
  std::size_t lines = 1;
  std::vector<std::size_t> widths = column_widths(names, lines);
  while (lines < names.size() && total(widths) > width)
    widths = column_widths(names, ++lines);
  if (widths.size() == 1) widths[0] = 0;  // a single column is not padded
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    for (std::size_t i = line; i < names.size(); i += lines) {
      if (i != line) text += "  ";
      text += padded(names[i], widths[i / lines]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace sup::ctl
