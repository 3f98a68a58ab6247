// echo_supervisord_conf: prints a configuration file to start from. Takes no arguments.
#include <cstdio>
#include <string_view>

namespace {

constexpr std::string_view sample =
#include "echo_supervisord_conf.inc"
    ;

}  // namespace

int main() {
  const bool written = std::fwrite(sample.data(), 1, sample.size(), stdout) == sample.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}
