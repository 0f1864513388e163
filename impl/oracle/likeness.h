// Which worlds allow the same from now on, though they are not equal.
//
// A world remembers who used its objects last, and when; and how often memory was changed. That
// only matters where something asks for it. Not for use outside impl/oracle.
#ifndef IPCSPEC_IMPL_ORACLE_LIKENESS_H_
#define IPCSPEC_IMPL_ORACLE_LIKENESS_H_

#include "impl/call/call.h"
#include "impl/reference/world.h"

namespace ipcspec {

// Whether the call may tell who used an object last, or when, or whose signal was handled last.
bool TellsUses(const Call& call);

// Worlds that become equal by this allow the same, if no call that is pending or still to come
// tells uses; or in any case, if `uses_matter`.
void Forget(World& world, bool uses_matter);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_LIKENESS_H_
