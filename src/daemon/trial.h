// Asks a program a question and listens to its answer, without ever waiting for it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boost::asio {
class io_context;
}

namespace sup::daemon {

// The program finds what it is asked about in its descriptor 3.
inline constexpr int trial_fd = 3;

// Runs `program` with `argv` and `file` as descriptor 3. `done` is called once, by the loop, with the first line of what
// it wrote when it ended with exit status 0; otherwise with an Error that quotes that line or tells the end. A program
// that has not closed its output within `patience` is killed, and so is one when the loop goes.
void run_trial(boost::asio::io_context& loop, const std::string& program, std::vector<std::string> argv, UniqueFd file,
               Duration patience, std::move_only_function<void(Result<std::string>)> done);

}  // namespace sup::daemon
