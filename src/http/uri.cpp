#include "http/uri.h"

#include <fmt/format.h>

#include <array>

#include "base/strings.h"

namespace sup::http {

std::string unquote(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = text[i] == '%' && text.size() - i > 2 && text[i + 1] != '+' && text[i + 1] != '-'
                          ? to_int(text.substr(i + 1, 2), 16)
                          : std::nullopt;
    if (code && !is_space(text[i + 1]) && !is_space(text[i + 2])) {
      out += static_cast<char>(*code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string format_date(std::time_t time) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     months[static_cast<std::size_t>(utc.tm_mon)], 1900 + utc.tm_year, utc.tm_hour, utc.tm_min,
                     utc.tm_sec);
}

}  // namespace sup::http
