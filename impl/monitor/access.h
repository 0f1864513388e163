// Who may use the System V objects of a world.
#ifndef IPCSPEC_IMPL_MONITOR_ACCESS_H_
#define IPCSPEC_IMPL_MONITOR_ACCESS_H_

#include <cstdint>

#include "impl/mechanism/step.h"
#include "impl/reference/world.h"

namespace ipcspec {

// What IPC_STAT and the like answer to one who may do everything. `objects` is SysvMsg or SysvSem
// of the namespace; it may be a copy.
template <class Objects, class C>
Outcome AskFreely(const World& world, const IpcNamespace& ipc, Objects objects, const C& call) {
  Dialect dialect = *world.dialect;
  dialect.cap_ipc_owner = true;
  IpcLimits limits = ipc.limits;
  const auto nobody = [] { return std::vector<Waiting>(); };
  const Caller caller{.dialect = &dialect, .limits = &limits, .waiting = nobody};
  Choice usual(Choice::Mode::kUsual);
  return objects.Step(call, caller, usual).outcome;
}

// Whether the task surely has all of `bits`, of the owner's nine bits, on the object with this
// answer to IPC_STAT (its values begin with key, uid, gid, cuid, cgid and mode).
inline bool MayUse(const World& world, int task, const Outcome& stat, int64_t bits) {
  const Credentials& creds = world.GetTask(task).creds;
  const bool owns = creds.uid == stat.values[1] || creds.uid == stat.values[3];
  if (owns && (stat.values[5] & bits) == bits) return true;
  return creds.uid == 0 && world.dialect->cap_ipc_owner && creds.dropped == 0;
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_ACCESS_H_
