// supervisorctl: control applications run by supervisord from the command line.
#include <string>
#include <vector>

#include "ctl/main.h"
#include "os/config_host.h"

int main(int argc, char** argv) {
  const sup::os::ConfigHost host;
  return sup::ctl::run(argc > 0 ? argv[0] : "supervisorctl", {argv + (argc > 0 ? 1 : 0), argv + argc}, host);
}
