#include "http/auth.h"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/base64.h"

namespace sup::http {
namespace {

Request with(const std::string& username, const std::string& password) {
  Request request;
  request.headers = {{"Authorization", "Basic " + base64_encode(username + ":" + password)}};
  return request;
}

// The libc searches strings in other steps where they lie across a page. A comparison that ended at the first difference
// would take some 70 fewer.
constexpr long chance = 30;

// How many instructions the decision takes: a child is traced through it, one at a time. -1 where that is not allowed.
long instructions(const Credentials& credentials, const Request& request) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
    (void)admit(credentials, request);  // what is done at the first time only: binding names, filling caches of memory
    (void)admit(credentials, request);
    raise(SIGSTOP);
    const Admission admission = admit(credentials, request);
    raise(SIGUSR1);
    _exit(static_cast<int>(admission));
  }
  long count = -1;
  int status = 0;
  for (waitpid(child, &status, 0); WIFSTOPPED(status) && WSTOPSIG(status) != SIGUSR1; waitpid(child, &status, 0)) {
    ++count;
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return count;
}

TEST(Admission, TakesAsLongForEveryWrongPasswordOfOneLength) {
  const Credentials credentials{"someone", "correct horse"};
  const long first = instructions(credentials, with("someone", "Xorrect horse"));
  if (first <= 0) GTEST_SKIP() << "tracing is not allowed here";
  EXPECT_GT(first, 100);
  for (const auto& [username, password] :
       {std::pair("someone", "correct horsX"), std::pair("someone", "correct Xorse"), std::pair("someone", "XXXXXXXXXXXXX"),
        std::pair("Xomeone", "correct horse"), std::pair("someonX", "XXXXXXXXXXXXX")}) {
    EXPECT_LE(std::abs(instructions(credentials, with(username, password)) - first), chance) << username << ":" << password;
  }
}

TEST(Admission, TakesAsLongForEveryWrongHash) {
  const std::string hash = "82ab876d1387bfafe46cc1c8a2ef074eae50cb1d";  // of "thepassword"
  const auto stored = [&hash](std::size_t wrong_digit) {
    std::string other = hash;
    other[wrong_digit] = 'X';
    return Credentials{"u", "{SHA}" + other};
  };
  EXPECT_EQ(admit({"u", "{SHA}" + hash}, with("u", "thepassword")), Admission::granted);
  EXPECT_EQ(admit(stored(0), with("u", "thepassword")), Admission::wrong);
  const long first = instructions(stored(0), with("u", "thepassword"));
  if (first <= 0) GTEST_SKIP() << "tracing is not allowed here";
  for (const std::size_t digit : {std::size_t{1}, std::size_t{20}, hash.size() - 1})
    EXPECT_LE(std::abs(instructions(stored(digit), with("u", "thepassword")) - first), chance) << digit;
}

}  // namespace
}  // namespace sup::http
