// System V semaphores, as system calls.
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "impl/call/cat.h"
#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

void Lower(const Ftok& c, const LoweringContext&, Request& r) {
  r.Op(kFtok), r.Text(0, c.path), r.Int(1, c.id);
}
void Lower(const Semget& c, const LoweringContext&, Request& r) {
  r.Op(SYS_semget), r.Int(0, c.key.value), r.Int(1, c.nsems), r.Int(2, c.flags.bits);
}
void Lower(const Semop& c, const LoweringContext&, Request& r) {
  r.Int(0, c.id.value), r.Int(2, static_cast<int64_t>(c.ops.size()));
  if (c.memory == Memory::kBad) {
    r.BadPointer(1);
  } else {
    char* area = r.Area(1, c.ops.size() * sizeof(sembuf));
    for (size_t i = 0; i < c.ops.size() && !r.overflowed(); ++i) {
      const sembuf op = {.sem_num = static_cast<unsigned short>(c.ops[i].num),
                         .sem_op = static_cast<short>(c.ops[i].op),
                         .sem_flg = static_cast<short>(c.ops[i].flags.bits)};
      std::memcpy(area + i * sizeof op, &op, sizeof op);
    }
  }
  if (c.timeout.ns == Nanos::kForever) {
    r.Op(SYS_semop);
  } else {
    r.Op(SYS_semtimedop), PutTimespec(r.Area(3, sizeof(timespec)), c.timeout.ns);
  }
}
static void Semctl(Request& r, const SemId& id, int64_t num, int command) {
  r.Op(SYS_semctl), r.Int(0, id.value), r.Int(1, num), r.Int(2, command);
}
void Lower(const SemGetVal& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, c.num, GETVAL);
}
void Lower(const SemSetVal& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, c.num, SETVAL), r.Int(3, c.value);
}
// The area holds the largest set that there can be (semget(2): SEMMSL).
static constexpr size_t kMaxSemaphores = 32768;
void Lower(const SemGetAll& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, 0, GETALL);
  if (c.memory == Memory::kBad) return r.BadPointer(3);
  // Filled with a value that no semaphore has, so that Decode sees how many came.
  std::memset(r.Area(3, kMaxSemaphores * 2), 0xff, kMaxSemaphores * 2);
}
void Lower(const SemSetAll& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, 0, SETALL);
  if (c.memory == Memory::kBad) return r.BadPointer(3);
  char* area = r.Area(3, kMaxSemaphores * 2);
  std::memset(area, 0, kMaxSemaphores * 2);
  for (size_t i = 0; i < std::min(c.all.size(), kMaxSemaphores); ++i) {
    const uint16_t value = static_cast<uint16_t>(c.all[i]);
    std::memcpy(area + 2 * i, &value, 2);
  }
}
void Lower(const SemGetPid& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, c.num, GETPID);
}
void Lower(const SemGetNcnt& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, c.num, GETNCNT);
}
void Lower(const SemGetZcnt& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, c.num, GETZCNT);
}
void Lower(const SemStat& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, 0, IPC_STAT);
  c.memory == Memory::kGood ? (void)r.Area(3, sizeof(semid_ds)) : r.BadPointer(3);
}
void Lower(const SemSet& c, const LoweringContext&, Request& r) {
  Semctl(r, c.id, 0, IPC_SET);
  if (c.memory == Memory::kBad) return r.BadPointer(3);
  semid_ds set = {};
  set.sem_perm.uid = static_cast<uid_t>(c.uid);
  set.sem_perm.gid = static_cast<gid_t>(c.gid);
  set.sem_perm.mode = static_cast<unsigned short>(c.mode.bits);
  std::memcpy(r.Area(3, sizeof set), &set, sizeof set);
}
void Lower(const SemRemove& c, const LoweringContext&, Request& r) { Semctl(r, c.id, 0, IPC_RMID); }
void Lower(const SemLimits&, const LoweringContext&, Request& r) {
  Semctl(r, 0, 0, IPC_INFO), r.Area(3, sizeof(seminfo));
}
void Lower(const SemUsage&, const LoweringContext&, Request& r) {
  Semctl(r, 0, 0, SEM_INFO), r.Area(3, sizeof(seminfo));
}
void Lower(const SemStatIndex& c, const LoweringContext&, Request& r) {
  constexpr int kSemStatAny = 20;  // SEM_STAT_ANY, since Linux 4.17
  Semctl(r, c.index, 0, c.any ? kSemStatAny : SEM_STAT), r.Area(3, sizeof(semid_ds));
}
void Lower(const SemBadCommand& c, const LoweringContext&, Request& r) { Semctl(r, c.id, 0, 9999); }
void Lower(const SetSemLimits& c, const LoweringContext&, Request& r) {
  const std::string text = Cat(c.semmsl, " ", c.semmns, " ", c.semopm, " ", c.semmni, "\n");
  r.Op(kWriteFile), r.Text(0, "/proc/sys/kernel/sem"), r.Text(1, text);
  r.Int(2, static_cast<int64_t>(text.size()));
}

void Decode(const SemGetPid&, const LoweringContext& context, const RawAnswer&, Outcome& out) {
  DecodeTask(context, out);
}
void Decode(const SemGetAll&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  for (size_t i = 0; i < kMaxSemaphores; ++i) {
    const uint16_t value = At<uint16_t>(answer, 2 * i);
    if (value == 0xffff) break;
    out.values.push_back(value);
  }
}
static void DecodeSemid(const RawAnswer& answer, Outcome& out) {
  const auto set = At<semid_ds>(answer);
  out.values = {set.sem_perm.__key,
                set.sem_perm.uid,
                set.sem_perm.gid,
                set.sem_perm.cuid,
                set.sem_perm.cgid,
                set.sem_perm.mode,
                static_cast<int64_t>(set.sem_nsems),
                set.sem_otime,
                set.sem_ctime};
}
void Decode(const SemStat&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeSemid(answer, out);
}
void Decode(const SemStatIndex&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeSemid(answer, out);
}
void Decode(const SemLimits&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const auto info = At<seminfo>(answer);
  out.values = {info.semmsl, info.semmns, info.semopm, info.semmni, info.semvmx};
}
void Decode(const SemUsage&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const auto info = At<seminfo>(answer);
  out.values = {info.semusz, info.semaem};  // semctl(2): sets, semaphores
}

}  // namespace ipcspec
