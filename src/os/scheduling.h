// How the kernel shares out the processors.
#pragma once

namespace sup::os {

// For a thread that mostly sleeps and then has little, but urgent, to do: asks for turns of 0.1 ms instead of some
// milliseconds, in exchange for which one that wakes up need not wait until busy programs have used up theirs (Linux
// 6.12, sched(7); without effect before). Share and priority stay the same, and threads and processes that are begun
// later have the usual turns again. Does nothing where a policy or a negative nice value was chosen for us, since that
// is for the programs too.
void take_short_turns();

}  // namespace sup::os
