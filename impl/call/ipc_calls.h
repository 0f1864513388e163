// Calls on what IPC objects have in common: namespaces, limits, /proc/sysvipc, capabilities.
#ifndef IPCSPEC_IMPL_CALL_IPC_CALLS_H_
#define IPCSPEC_IMPL_CALL_IPC_CALLS_H_

#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// unshare(2) of the IPC namespace (ipc_namespaces(7)): the task has a new one, empty.
struct UnshareIpc {
  static constexpr std::string_view kName = "unshare_ipc";
  IPCSPEC_FIELDS(UnshareIpc)
};

// A write to the file of the limit below /proc/sys, of the task's IPC namespace.
struct SetLimit {
  static constexpr std::string_view kName = "set_limit";
  Limit limit = Limit::kMsgmax;
  int64_t value = 0;
  IPCSPEC_FIELDS(SetLimit, limit, value)
};

// A read of it; returns the number.
struct GetLimit {
  static constexpr std::string_view kName = "get_limit";
  Limit limit = Limit::kMsgmax;
  IPCSPEC_FIELDS(GetLimit, limit)
};

// A read of /proc/sysvipc/sem, msg or shm (proc_sysvipc(5)). Returns the number of objects shown;
// values: of each its columns, those that are documented, in their order (process ids as tasks).
struct ListIpc {
  static constexpr std::string_view kName = "list_ipc";
  IpcKind kind = IpcKind::kSem;
  IPCSPEC_FIELDS(ListIpc, kind)
};

// Gives up a capability for good (capabilities(7)).
struct DropCapability {
  static constexpr std::string_view kName = "drop_capability";
  Capability capability = Capability::kIpcOwner;
  IPCSPEC_FIELDS(DropCapability, capability)
};

// setgroups(2) to this one supplementary group, by user 0 before it becomes another.
struct SetGroup {
  static constexpr std::string_view kName = "set_group";
  int64_t gid = 0;
  IPCSPEC_FIELDS(SetGroup, gid)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_IPC_CALLS_H_
