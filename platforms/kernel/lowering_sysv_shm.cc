// System V shared memory, as system calls.
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include <algorithm>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {
namespace {

constexpr int kShmStatAny = 15;  // SHM_STAT_ANY, since Linux 4.17

void Shmctl(Request& r, int64_t id, int command) {
  r.Op(SYS_shmctl), r.Int(0, id), r.Int(1, command);
}

void DecodeShmid(const LoweringContext& context, const RawAnswer& answer, Outcome& out) {
  const auto segment = At<shmid_ds>(answer);
  out.values = {segment.shm_perm.__key,
                segment.shm_perm.uid,
                segment.shm_perm.gid,
                segment.shm_perm.cuid,
                segment.shm_perm.cgid,
                segment.shm_perm.mode,
                static_cast<int64_t>(segment.shm_segsz),
                static_cast<int64_t>(segment.shm_nattch),
                context.task_of(segment.shm_cpid),
                context.task_of(segment.shm_lpid),
                segment.shm_atime,
                segment.shm_dtime,
                segment.shm_ctime};
}

}  // namespace

void Lower(const Shmget& c, const LoweringContext&, Request& r) {
  r.Op(SYS_shmget), r.Int(0, c.key.value), r.Int(1, c.size), r.Int(2, c.flags.bits);
}
void Lower(const Shmat& c, const LoweringContext&, Request& r) {
  r.Op(SYS_shmat), r.Int(0, c.id.value), r.Int(1, c.address.value), r.Int(2, c.flags.bits);
}
void Lower(const Shmdt& c, const LoweringContext&, Request& r) {
  r.Op(SYS_shmdt), r.Int(0, c.address.value + c.offset);
}
void Lower(const ShmStat& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.id.value, IPC_STAT);
  c.memory == Memory::kGood ? (void)r.Area(2, sizeof(shmid_ds)) : r.BadPointer(2);
}
void Lower(const ShmSet& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.id.value, IPC_SET);
  if (c.memory == Memory::kBad) return r.BadPointer(2);
  shmid_ds set = {};
  set.shm_perm.uid = static_cast<uid_t>(c.uid);
  set.shm_perm.gid = static_cast<gid_t>(c.gid);
  set.shm_perm.mode = static_cast<unsigned short>(c.mode.bits);
  Put(r.Area(2, sizeof set), set);
}
void Lower(const ShmRemove& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.id.value, IPC_RMID);
}
void Lower(const ShmLock& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.id.value, SHM_LOCK);
}
void Lower(const ShmUnlock& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.id.value, SHM_UNLOCK);
}
void Lower(const ShmLimits&, const LoweringContext&, Request& r) {
  Shmctl(r, 0, IPC_INFO), r.Area(2, sizeof(shminfo));
}
void Lower(const ShmUsage&, const LoweringContext&, Request& r) {
  Shmctl(r, 0, SHM_INFO), r.Area(2, sizeof(shm_info));
}
void Lower(const ShmStatIndex& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.index, c.any ? kShmStatAny : SHM_STAT), r.Area(2, sizeof(shmid_ds));
}
void Lower(const ShmBadCommand& c, const LoweringContext&, Request& r) {
  Shmctl(r, c.id.value, 9999);
}

void Decode(const ShmStat&, const LoweringContext& context, const RawAnswer& answer, Outcome& out) {
  DecodeShmid(context, answer, out);
}
void Decode(const ShmStatIndex&, const LoweringContext& context, const RawAnswer& answer,
            Outcome& out) {
  DecodeShmid(context, answer, out);
}
void Decode(const ShmLimits&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const auto info = At<shminfo>(answer);
  const auto cut = [](uint64_t value) {
    return static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX));
  };
  out.values = {cut(info.shmmax), cut(info.shmmin), cut(info.shmmni), cut(info.shmall)};
}
void Decode(const ShmUsage&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const auto info = At<shm_info>(answer);
  out.values = {info.used_ids, static_cast<int64_t>(info.shm_tot)};
}

}  // namespace ipcspec
