// Supervisor's web pages: the status page with its buttons, the tail of a log, "OK", and the files that belong to them.
//
// Looks and behaves as the original for eyes, bookmarks and scrapers. Changes that a page of another site asks for are
// refused with 403; an action is answered with 303 to the status page, which nothing may store.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/operation.h"
#include "base/log.h"
#include "engine/entry.h"
#include "http/server.h"
#include "web/actions.h"
#include "web/form.h"

namespace sup::web {

class Classic {
 public:
  Classic(Subject subject, Log& log) : subject_(subject), log_(log) {}

  // Answers every path, most of them with 404.
  void handle(std::shared_ptr<http::Exchange> exchange);

 private:
  void status(std::shared_ptr<http::Exchange> exchange, const Form& form);
  void act(std::shared_ptr<http::Exchange> exchange, const Form& form);
  void tail(std::shared_ptr<http::Exchange> exchange, const Form& form);

  Subject subject_;
  Log& log_;
};

}  // namespace sup::web
