#include "base/version.h"

namespace sup {

const std::string_view version = "0.1.0";

}  // namespace sup
