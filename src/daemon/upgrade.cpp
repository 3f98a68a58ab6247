#include "daemon/upgrade.h"

#include <chrono>
#include <memory>
#include <utility>

#include "base/strings.h"
#include "daemon/handover.h"
#include "daemon/trial.h"
#include "keeper/keeper.h"

namespace sup::daemon {
namespace {

constexpr Duration patience = std::chrono::seconds(30);

// The version out of a line of consent.
Result<std::string> read_consent(const Result<std::string>& line) {
  if (!line) return std::unexpected(line.error());
  if (line->starts_with(keeper::consent)) return line->substr(std::string_view(keeper::consent).size());
  return fail("it does not know how to");
}

class Inquiry : public std::enable_shared_from_this<Inquiry> {
 public:
  Inquiry(boost::asio::io_context& loop, UpgradeQuestion question, keeper::Inspection inspection,
          std::move_only_function<void(Result<Consent>)> done)
      : loop_(loop), question_(std::move(question)), inspection_(std::move(inspection)), done_(std::move(done)) {
    consent_.keeper_too = question_.keeper_too || inspection_.differs;
  }

  void ask_manager(const std::map<std::uint32_t, UniqueFd>& snapshots) {
    auto file = write_handover(inspection_.state, snapshots);
    if (!file) return refuse("take over", file.error());
    ask(keeper::can_take_over_argument, "take over", std::move(*file), [this] {
      if (!consent_.keeper_too) return done_(consent_);
      ask(keeper::can_keep_argument, "replace the keeper", std::move(inspection_.state), [this] { done_(consent_); });
    });
  }

 private:
  void ask(const char* argument, const char* what, UniqueFd file, std::function<void()> then) {
    std::vector<std::string> argv = {question_.argv0, argument + std::to_string(trial_fd)};
    argv.insert(argv.end(), question_.arguments.begin(), question_.arguments.end());
    run_trial(loop_, inspection_.program, std::move(argv), std::move(file), patience,
              [self = shared_from_this(), what, then = std::move(then)](const Result<std::string>& line) {
                auto version = read_consent(line);
                if (!version) return self->refuse(what, version.error());
                self->consent_.version = std::move(*version);
                then();
              });
  }

  void refuse(const char* what, const Error& error) {
    done_(fail(inspection_.program + " cannot " + what + ": " + error.text, error.code));
  }

  boost::asio::io_context& loop_;
  UpgradeQuestion question_;
  keeper::Inspection inspection_;
  Consent consent_;
  std::move_only_function<void(Result<Consent>)> done_;
};

}  // namespace

void ask_for_consent(boost::asio::io_context& loop, std::weak_ptr<const void> alive, keeper::Client& keeper,
                     UpgradeQuestion question,
                     std::function<const std::map<std::uint32_t, UniqueFd>&()> snapshots,
                     std::move_only_function<void(Result<Consent>)> done) {
  keeper.inspect([&loop, alive = std::move(alive), question = std::move(question), snapshots = std::move(snapshots),
                  done = std::move(done)](Result<keeper::Inspection> inspection) mutable {
    if (alive.expired()) return;
    if (!inspection) return done(std::unexpected(inspection.error()));
    std::make_shared<Inquiry>(loop, std::move(question), std::move(*inspection), std::move(done))
        ->ask_manager(snapshots());
  });
}

}  // namespace sup::daemon
