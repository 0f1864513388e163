// Attaching segments of System V shared memory: shmat(2), shmdt(2).
#include "impl/reference/machine.h"

namespace ipcspec {

void SegmentDetached(World&, int64_t, const Caller&) {}
void SegmentInherited(World&, int64_t, const Caller&) {}

}  // namespace ipcspec
