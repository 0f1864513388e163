// Smaller programs that may still show a fault.
#ifndef IPCSPEC_CONFORMANCE_SHRINK_H_
#define IPCSPEC_CONFORMANCE_SHRINK_H_

#include <vector>

#include "impl/call/program.h"

namespace ipcspec {

// Programs simpler than this one, the boldest first: without a run of steps, without one step,
// with fewer tasks, with smaller arguments. Steps that lose what they refer to are dropped with it.
// Each is simpler than `program`, so taking one again and again ends.
std::vector<Program> SimplerPrograms(const Program& program);

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_SHRINK_H_
