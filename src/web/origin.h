// Where a request comes from: the name under which the client knows us, and whether a page of another site sent it.
//
// The pages change things on a plain GET, as Supervisor's do, so any page in the world could hold a link or a hidden form
// that stops our programs; and a form can post XML-RPC. Browsers tell the origin of a request in Sec-Fetch-Site (to
// https and localhost only), in Origin (with POST) and in Referer. Clients that tell nothing are no browsers or act for
// their user: scripts, typed addresses, bookmarks.
//
// Names are compared without ports and schemes, so that a proxy in front may have others; X-Forwarded-Host counts as
// well as Host, since a page of another site can set neither. A name that an attacker's own DNS resolves to our address
// cannot be told from one that the administrator gave us, except where the names are configured, or where none but this
// machine's own is likely: Request::own_name. Elsewhere only a password helps, which a browser does not send to other
// names. With https in front, Sec-Fetch-Site says enough: a foreign name has no certificate there.
#pragma once

#include <string>
#include <string_view>

#include "http/server.h"

namespace sup::web {

// "http://HOST[:PORT]" of the Host header, without a port of 80; empty when it is absent or neither a name nor an address.
[[nodiscard]] std::string own_url(const http::Request& request);

// Why a change that this request asks for must be refused, in words; empty when it may be made.
[[nodiscard]] std::string distrust(const http::Request& request);

}  // namespace sup::web
