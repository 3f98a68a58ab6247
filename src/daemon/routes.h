// Which path of the HTTP servers leads where: XML-RPC, the log streams, and the web pages for all the rest.
#pragma once

#include <memory>
#include <string>

#include "api/errands.h"
#include "api/operation.h"
#include "base/log.h"
#include "engine/engine.h"
#include "http/server.h"
#include "rpc/xmlrpc.h"
#include "web/classic.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

class Routes {
 public:
  // `main_log_path` answers the daemon's own log file, or an empty string. All outlive the routes.
  Routes(boost::asio::io_context& loop, api::Errands& errands, const api::OperationTable& operations,
         const engine::Engine& engine, std::function<std::string()> main_log_path, const Clock& clock, Log& log)
      : loop_(loop),
        errands_(errands),
        operations_(operations),
        engine_(engine),
        main_log_path_(std::move(main_log_path)),
        log_(log),
        pages_({operations, engine.table(), clock}, log) {}

  void handle(std::shared_ptr<http::Exchange> exchange);

  // A text that was given as an answer, as long as somebody is still taking it: who asks for the same meanwhile gets
  // it too.
  struct Shared {
    std::string edition;
    std::weak_ptr<const std::string> text;
  };

 private:
  void xmlrpc(std::shared_ptr<http::Exchange> exchange);
  void call(std::shared_ptr<http::Exchange> exchange, api::Caller caller, Result<rpc::Call> call);
  void logtail(std::shared_ptr<http::Exchange> exchange);
  void mainlogtail(std::shared_ptr<http::Exchange> exchange);
  void follow(std::shared_ptr<http::Exchange> exchange, const std::string& path, bool unbuffered);

  boost::asio::io_context& loop_;
  api::Errands& errands_;
  const api::OperationTable& operations_;
  const engine::Engine& engine_;
  std::function<std::string()> main_log_path_;
  Log& log_;
  web::Classic pages_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace sup::daemon
