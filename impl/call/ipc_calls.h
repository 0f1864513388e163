// Calls on what IPC objects have in common: namespaces, limits, /proc/sysvipc, capabilities.
#ifndef IPCSPEC_IMPL_CALL_IPC_CALLS_H_
#define IPCSPEC_IMPL_CALL_IPC_CALLS_H_

#include <array>
#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// unshare(2) of the IPC namespace (ipc_namespaces(7)): the task has a new one, empty.
struct UnshareIpc {
  static constexpr std::string_view kName = "unshare_ipc";
  IPCSPEC_FIELDS(UnshareIpc)
};

// A write to the file of the limit below /proc/sys, of the task's IPC namespace: kernel/msgmax and
// so on, fs/mqueue/queues_max and so on. Who may do that depends on how the namespace was set up,
// and the files of identifiers (sem_next_id) are there on some kernels only.
struct SetLimit {
  static constexpr std::string_view kName = "set_limit";
  Limit limit = Limit::kMsgmax;
  int64_t value = 0;
  IPCSPEC_FIELDS(SetLimit, limit, value)
};

// A read of it; returns the number, the largest int64_t for what is larger.
struct GetLimit {
  static constexpr std::string_view kName = "get_limit";
  Limit limit = Limit::kMsgmax;
  IPCSPEC_FIELDS(GetLimit, limit)
};

// The columns of /proc/sysvipc/sem, msg and shm (proc_sysvipc(5)), as far as they are about the
// object: of shared memory those about pages (rss, swap) are left out.
inline constexpr std::array<std::string_view, 10> kSemColumns = {
    "key", "semid", "perms", "nsems", "uid", "gid", "cuid", "cgid", "otime", "ctime"};
inline constexpr std::array<std::string_view, 14> kMsgColumns = {
    "key", "msqid", "perms", "cbytes", "qnum",  "lspid", "lrpid",
    "uid", "gid",   "cuid",  "cgid",   "stime", "rtime", "ctime"};
inline constexpr std::array<std::string_view, 14> kShmColumns = {
    "key", "shmid", "perms", "size", "cpid",  "lpid",  "nattch",
    "uid", "gid",   "cuid",  "cgid", "atime", "dtime", "ctime"};

// A read of /proc/sysvipc/sem, msg or shm. Returns the number of objects that it lists; values: the
// columns of each, one object after the other, by identifier (the order in the file is nobody's
// promise). lspid, lrpid, cpid and lpid are tasks; -1 is none of ours.
struct ListIpc {
  static constexpr std::string_view kName = "list_ipc";
  IpcKind kind = IpcKind::kSem;
  IPCSPEC_FIELDS(ListIpc, kind)
};

// Gives up a capability for good, whatever is executed (capabilities(7)); with kDacOverride
// CAP_DAC_READ_SEARCH too. EPERM where not even user 0 may change what it may have.
struct DropCapability {
  static constexpr std::string_view kName = "drop_capability";
  Capability capability = Capability::kIpcOwner;
  IPCSPEC_FIELDS(DropCapability, capability)
};

// setgroups(2) to this one supplementary group, by user 0 (else EPERM) before it becomes another. A
// user namespace may have setgroups(2) denied: EPERM too.
struct SetGroup {
  static constexpr std::string_view kName = "set_group";
  int64_t gid = 0;
  IPCSPEC_FIELDS(SetGroup, gid)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_IPC_CALLS_H_
