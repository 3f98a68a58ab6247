// What a frame of the keeper's says, told to the manager.
#pragma once

#include "keeper/client.h"
#include "keeper/wire.h"

namespace sup::keeper {

// False when the frame makes no sense. A verb of a newer keeper is none of ours: nothing is told, and that is fine.
[[nodiscard]] bool tell(Notices& notices, Frame& frame);

}  // namespace sup::keeper
