// Streams a growing log file to an HTTP client: the last bytes, then every growth as it happens.
//
// Woken by inotify, so an idle stream costs nothing. A file that shrinks is announced and read again from its start; one
// that was replaced (rotation) is followed under its name.
#pragma once

#include <memory>
#include <string>

#include "http/server.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

// Begins the reply and keeps going until the client leaves. `head` has status 200 and the headers.
void follow_log(boost::asio::io_context& loop, std::string path, std::shared_ptr<http::Exchange> exchange,
                http::Response head);

}  // namespace sup::daemon
