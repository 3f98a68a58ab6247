// What the manager may change about the keeper's own process.
#pragma once

#include "base/result.h"
#include "keeper/client.h"
#include "keeper/spawn.h"

namespace sup::keeper {

// Identity, limits, directory, detach, umask, in this order; stops at the first failure. Doing it twice is fine.
[[nodiscard]] Result<> apply(const KeeperSettings& settings, Spawner& spawner);

// Raises our own soft limit of descriptors to the hard one, while what `spawner` starts keeps the limit we came with.
void take_all_descriptors(Spawner& spawner);

// Keeps the kernel from killing us when memory runs out, if we may, while what `spawner` starts is treated as before.
void refuse_to_die_for_memory(Spawner& spawner);

}  // namespace sup::keeper
