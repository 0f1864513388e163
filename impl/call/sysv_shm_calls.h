// Calls on System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2). What is stored there
// is in memory_calls.h.
#ifndef IPCSPEC_IMPL_CALL_SYSV_SHM_CALLS_H_
#define IPCSPEC_IMPL_CALL_SYSV_SHM_CALLS_H_

#include <array>
#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// Returns the identifier of the segment.
struct Shmget {
  static constexpr std::string_view kName = "shmget";
  static constexpr ArgKind kGives = ArgKind::kShmId;
  Key key = 0;  // IPC_PRIVATE
  int64_t size = 4096;
  IpcFlags flags;
  IPCSPEC_FIELDS(Shmget, key, size, flags)
};

// Returns the address; address 0 lets the kernel choose.
struct Shmat {
  static constexpr std::string_view kName = "shmat";
  static constexpr ArgKind kGives = ArgKind::kAddress;
  ShmId id;
  Address address = 0;
  ShmatFlags flags;
  IPCSPEC_FIELDS(Shmat, id, address, flags)
};

struct Shmdt {
  static constexpr std::string_view kName = "shmdt";
  Address address;
  int64_t offset = 0;  // is added to the address
  IPCSPEC_FIELDS(Shmdt, address, offset)
};

// What IPC_STAT, SHM_STAT and SHM_STAT_ANY put into `values`, in this order. cpid and lpid are
// tasks; -1 is none of ours.
inline constexpr std::array<std::string_view, 13> kShmidFields = {
    "key",    "uid",  "gid",  "cuid",  "cgid",  "mode", "segsz",
    "nattch", "cpid", "lpid", "atime", "dtime", "ctime"};

// IPC_STAT.
struct ShmStat {
  static constexpr std::string_view kName = "shm_stat";
  ShmId id;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(ShmStat, id, memory)
};

// IPC_SET of owner, group and mode.
struct ShmSet {
  static constexpr std::string_view kName = "shm_set";
  ShmId id;
  int64_t uid = 0;
  int64_t gid = 0;
  Mode mode;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(ShmSet, id, uid, gid, mode, memory)
};

// IPC_RMID.
struct ShmRemove {
  static constexpr std::string_view kName = "shm_rmid";
  ShmId id;
  IPCSPEC_FIELDS(ShmRemove, id)
};

// SHM_LOCK and SHM_UNLOCK.
struct ShmLock {
  static constexpr std::string_view kName = "shm_lock";
  ShmId id;
  IPCSPEC_FIELDS(ShmLock, id)
};

struct ShmUnlock {
  static constexpr std::string_view kName = "shm_unlock";
  ShmId id;
  IPCSPEC_FIELDS(ShmUnlock, id)
};

// IPC_INFO. Returns the highest used index; values: shmmax, shmmin, shmmni, shmall.
struct ShmLimits {
  static constexpr std::string_view kName = "shm_ipc_info";
  IPCSPEC_FIELDS(ShmLimits)
};

// SHM_INFO. Returns the highest used index; values: segments, and pages of all of them.
struct ShmUsage {
  static constexpr std::string_view kName = "shm_info";
  IPCSPEC_FIELDS(ShmUsage)
};

// SHM_STAT, or SHM_STAT_ANY with `any`, of a slot of the kernel's table. Returns the identifier.
struct ShmStatIndex {
  static constexpr std::string_view kName = "shm_stat_index";
  static constexpr ArgKind kGives = ArgKind::kShmId;
  int64_t index = 0;
  bool any = false;
  IPCSPEC_FIELDS(ShmStatIndex, index, any)
};

// shmctl(2) with a command that there is not.
struct ShmBadCommand {
  static constexpr std::string_view kName = "shm_bad_command";
  ShmId id;
  IPCSPEC_FIELDS(ShmBadCommand, id)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_SYSV_SHM_CALLS_H_
