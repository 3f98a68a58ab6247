// Path arithmetic with the results of Python's os.path: Supervisor's paths and messages are made of these.
#pragma once

#include <string>
#include <string_view>

#include "config/load.h"

namespace sup::config {

// os.path.dirname(): everything before the last slash, without trailing slashes; "" when there is no slash.
[[nodiscard]] std::string directory_of(std::string_view path);
// os.path.join() of two parts: an absolute second part stands alone.
[[nodiscard]] std::string join_path(std::string_view base, std::string_view path);
// os.path.normpath(): resolves "." and ".." and repeated slashes by text alone.
[[nodiscard]] std::string normal_path(std::string_view path);
// os.path.abspath().
[[nodiscard]] std::string absolute_path(std::string_view path, const Host& host);
// os.path.expanduser(): a leading `~` or `~user`; unchanged when there is no such user.
[[nodiscard]] std::string expand_user(std::string_view path, const Host& host);
// What Supervisor does to every socket, log and pid file path: all of the above.
[[nodiscard]] std::string normalize_path(std::string_view path, const Host& host);

}  // namespace sup::config
