// Calls on System V semaphore sets: semget(2), semop(2), semctl(2), ftok(3).
#ifndef IPCSPEC_IMPL_CALL_SYSV_SEM_CALLS_H_
#define IPCSPEC_IMPL_CALL_SYSV_SEM_CALLS_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// ftok(3). Returns the key.
struct Ftok {
  static constexpr std::string_view kName = "ftok";
  static constexpr ArgKind kGives = ArgKind::kKey;
  std::string path;
  int64_t id = 0;
  IPCSPEC_FIELDS(Ftok, path, id)
};

// Returns the identifier of the set.
struct Semget {
  static constexpr std::string_view kName = "semget";
  static constexpr ArgKind kGives = ArgKind::kSemId;
  Key key = 0;  // IPC_PRIVATE
  int64_t nsems = 1;
  IpcFlags flags;
  IPCSPEC_FIELDS(Semget, key, nsems, flags)
};

// semtimedop(2); with `timeout` kForever it is semop(2). `memory` kBad: a bad `sops` pointer.
struct Semop {
  static constexpr std::string_view kName = "semop";
  SemId id;
  std::vector<Sembuf> ops;
  Nanos timeout;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Semop, id, ops, timeout, memory)
};

struct SemGetVal {
  static constexpr std::string_view kName = "sem_getval";
  SemId id;
  int64_t num = 0;
  IPCSPEC_FIELDS(SemGetVal, id, num)
};

struct SemSetVal {
  static constexpr std::string_view kName = "sem_setval";
  SemId id;
  int64_t num = 0;
  int64_t value = 0;
  IPCSPEC_FIELDS(SemSetVal, id, num, value)
};

// values: all semaphores of the set, in order.
struct SemGetAll {
  static constexpr std::string_view kName = "sem_getall";
  SemId id;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(SemGetAll, id, memory)
};

struct SemSetAll {
  static constexpr std::string_view kName = "sem_setall";
  SemId id;
  std::vector<int64_t> all;  // REQUIRES: one for each semaphore of the set
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(SemSetAll, id, all, memory)
};

// Returns the task that changed the semaphore last; -1 is a process that is no task of ours, as
// for a value never changed (pid 0).
struct SemGetPid {
  static constexpr std::string_view kName = "sem_getpid";
  SemId id;
  int64_t num = 0;
  IPCSPEC_FIELDS(SemGetPid, id, num)
};

struct SemGetNcnt {
  static constexpr std::string_view kName = "sem_getncnt";
  SemId id;
  int64_t num = 0;
  IPCSPEC_FIELDS(SemGetNcnt, id, num)
};

struct SemGetZcnt {
  static constexpr std::string_view kName = "sem_getzcnt";
  SemId id;
  int64_t num = 0;
  IPCSPEC_FIELDS(SemGetZcnt, id, num)
};

// What IPC_STAT, SEM_STAT and SEM_STAT_ANY put into `values`, in this order.
inline constexpr std::array<std::string_view, 9> kSemidFields = {
    "key", "uid", "gid", "cuid", "cgid", "mode", "nsems", "otime", "ctime"};

// IPC_STAT.
struct SemStat {
  static constexpr std::string_view kName = "sem_stat";
  SemId id;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(SemStat, id, memory)
};

// IPC_SET of owner, group and mode.
struct SemSet {
  static constexpr std::string_view kName = "sem_set";
  SemId id;
  int64_t uid = 0;
  int64_t gid = 0;
  Mode mode;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(SemSet, id, uid, gid, mode, memory)
};

// IPC_RMID.
struct SemRemove {
  static constexpr std::string_view kName = "sem_rmid";
  SemId id;
  IPCSPEC_FIELDS(SemRemove, id)
};

// IPC_INFO. Returns the highest used index; values: semmsl, semmns, semopm, semmni, semvmx.
struct SemLimits {
  static constexpr std::string_view kName = "sem_ipc_info";
  IPCSPEC_FIELDS(SemLimits)
};

// SEM_INFO. Returns the highest used index; values: sets, semaphores in existence.
struct SemUsage {
  static constexpr std::string_view kName = "sem_info";
  IPCSPEC_FIELDS(SemUsage)
};

// SEM_STAT, or SEM_STAT_ANY with `any`, of a slot of the kernel's table. Returns the identifier.
struct SemStatIndex {
  static constexpr std::string_view kName = "sem_stat_index";
  static constexpr ArgKind kGives = ArgKind::kSemId;
  int64_t index = 0;
  bool any = false;
  IPCSPEC_FIELDS(SemStatIndex, index, any)
};

// semctl(2) with a command that there is not.
struct SemBadCommand {
  static constexpr std::string_view kName = "sem_bad_command";
  SemId id;
  IPCSPEC_FIELDS(SemBadCommand, id)
};

// A write to /proc/sys/kernel/sem of the run's own IPC namespace.
struct SetSemLimits {
  static constexpr std::string_view kName = "set_sem_limits";
  int64_t semmsl = 0;
  int64_t semmns = 0;
  int64_t semopm = 0;
  int64_t semmni = 0;
  IPCSPEC_FIELDS(SetSemLimits, semmsl, semmns, semopm, semmni)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_SYSV_SEM_CALLS_H_
