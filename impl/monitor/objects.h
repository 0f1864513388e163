// Which object a call concerns.
#ifndef IPCSPEC_IMPL_MONITOR_OBJECTS_H_
#define IPCSPEC_IMPL_MONITOR_OBJECTS_H_

#include <optional>

#include "impl/call/call.h"
#include "impl/monitor/round.h"
#include "impl/reference/world.h"

namespace ipcspec {

// The object that the call of the task concerns, in this world, if it is of a kind that a model
// describes. None also for a call by a wrong descriptor, identifier or address.
std::optional<ObjectName> FindObject(const World& world, int task, const Call& call);

// Whether the call asks nothing of objects and changes nothing.
bool IsIdle(const Call& call);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_OBJECTS_H_
