// The parts of lowering (lowering.h): for each call its Lower, and its Decode where more comes out
// than a number. They are in lowering_X.cc, by mechanism. Not for use elsewhere.
#ifndef IPCSPEC_PLATFORMS_KERNEL_LOWERING_PARTS_H_
#define IPCSPEC_PLATFORMS_KERNEL_LOWERING_PARTS_H_

#include <cstring>
#include <string>

#include "platforms/kernel/lowering.h"

namespace ipcspec {

// What lies at an offset of the answer's buffer.
template <class T>
T At(const RawAnswer& answer, size_t offset = 0) {
  T value;
  std::memcpy(&value, answer.buffer + offset, sizeof value);
  return value;
}
template <class T>
void Put(char* area, const T& value) {
  std::memcpy(area, &value, sizeof value);
}
void PutTimespec(char* area, int64_t ns);
// The first bytes of the buffer, as many as were returned.
void DecodeData(const RawAnswer& answer, Outcome& out);
// A process id that was returned is shown as a task.
inline void DecodeTask(const LoweringContext& context, Outcome& out) {
  out.ret = context.task_of(out.ret);
}

// fcntl(2).
void Fcntl(Request& r, const Fd& fd, int command, int64_t arg = 0);

#define IPCSPEC_LOWERS(C) void Lower(const C& call, const LoweringContext& context, Request& r);
#define IPCSPEC_DECODES(C) \
  void Decode(const C& call, const LoweringContext& context, const RawAnswer& answer, Outcome& out);
#define IPCSPEC_LOWERS_AND_DECODES(C) IPCSPEC_LOWERS(C) IPCSPEC_DECODES(C)

// lowering_process.cc
IPCSPEC_LOWERS_AND_DECODES(Fork)
IPCSPEC_LOWERS_AND_DECODES(Clone)
IPCSPEC_LOWERS(Exec)
IPCSPEC_LOWERS(Exit)
IPCSPEC_LOWERS(Kill)
IPCSPEC_LOWERS_AND_DECODES(Wait)
IPCSPEC_LOWERS(Sigaction)
IPCSPEC_LOWERS(Sigprocmask)
IPCSPEC_LOWERS_AND_DECODES(Sigpending)
IPCSPEC_LOWERS_AND_DECODES(SignalInfo)
IPCSPEC_LOWERS(SetCredentials)
IPCSPEC_LOWERS(LimitDescriptors)
IPCSPEC_LOWERS(Umask)
IPCSPEC_LOWERS(Await)

// lowering_files.cc
IPCSPEC_LOWERS(Open)
IPCSPEC_LOWERS(Close)
IPCSPEC_LOWERS(Dup)
IPCSPEC_LOWERS(Dup2)
IPCSPEC_LOWERS(GetFdFlags)
IPCSPEC_LOWERS(SetFdFlags)
IPCSPEC_LOWERS_AND_DECODES(GetStatusFlags)
IPCSPEC_LOWERS(SetStatusFlags)
IPCSPEC_LOWERS(Lseek)
IPCSPEC_LOWERS_AND_DECODES(Fstat)
IPCSPEC_LOWERS_AND_DECODES(Stat)
IPCSPEC_LOWERS_AND_DECODES(Poll)
IPCSPEC_LOWERS(Mkfifo)
IPCSPEC_LOWERS(Mknod)
IPCSPEC_LOWERS(Mkdir)
IPCSPEC_LOWERS(Symlink)
IPCSPEC_LOWERS(Unlink)
IPCSPEC_LOWERS(Rename)
IPCSPEC_LOWERS(Chmod)
IPCSPEC_LOWERS(Chown)
IPCSPEC_LOWERS(MountTmpfs)
IPCSPEC_LOWERS(RemountReadOnly)

// lowering_pipes.cc
IPCSPEC_LOWERS_AND_DECODES(MakePipe)
IPCSPEC_LOWERS_AND_DECODES(Read)
IPCSPEC_LOWERS(Write)
IPCSPEC_LOWERS_AND_DECODES(Readv)
IPCSPEC_LOWERS(Writev)
IPCSPEC_LOWERS(GetPipeSize)
IPCSPEC_LOWERS(SetPipeSize)
IPCSPEC_LOWERS_AND_DECODES(Fionread)

// lowering_sysv_sem.cc
IPCSPEC_LOWERS(Ftok)
IPCSPEC_LOWERS(Semget)
IPCSPEC_LOWERS(Semop)
IPCSPEC_LOWERS(SemGetVal)
IPCSPEC_LOWERS(SemSetVal)
IPCSPEC_LOWERS_AND_DECODES(SemGetAll)
IPCSPEC_LOWERS(SemSetAll)
IPCSPEC_LOWERS_AND_DECODES(SemGetPid)
IPCSPEC_LOWERS(SemGetNcnt)
IPCSPEC_LOWERS(SemGetZcnt)
IPCSPEC_LOWERS_AND_DECODES(SemStat)
IPCSPEC_LOWERS(SemSet)
IPCSPEC_LOWERS(SemRemove)
IPCSPEC_LOWERS_AND_DECODES(SemLimits)
IPCSPEC_LOWERS_AND_DECODES(SemUsage)
IPCSPEC_LOWERS_AND_DECODES(SemStatIndex)
IPCSPEC_LOWERS(SemBadCommand)
IPCSPEC_LOWERS(SetSemLimits)

// lowering_sysv_msg.cc
IPCSPEC_LOWERS(Msgget)
IPCSPEC_LOWERS(Msgsnd)
IPCSPEC_LOWERS_AND_DECODES(Msgrcv)
IPCSPEC_LOWERS_AND_DECODES(MsgStat)
IPCSPEC_LOWERS(MsgSet)
IPCSPEC_LOWERS(MsgRemove)
IPCSPEC_LOWERS_AND_DECODES(MsgLimits)
IPCSPEC_LOWERS_AND_DECODES(MsgUsage)
IPCSPEC_LOWERS_AND_DECODES(MsgStatIndex)
IPCSPEC_LOWERS(MsgBadCommand)

// lowering_sysv_shm.cc
IPCSPEC_LOWERS(Shmget)
IPCSPEC_LOWERS(Shmat)
IPCSPEC_LOWERS(Shmdt)
IPCSPEC_LOWERS_AND_DECODES(ShmStat)
IPCSPEC_LOWERS(ShmSet)
IPCSPEC_LOWERS(ShmRemove)
IPCSPEC_LOWERS(ShmLock)
IPCSPEC_LOWERS(ShmUnlock)
IPCSPEC_LOWERS_AND_DECODES(ShmLimits)
IPCSPEC_LOWERS_AND_DECODES(ShmUsage)
IPCSPEC_LOWERS_AND_DECODES(ShmStatIndex)
IPCSPEC_LOWERS(ShmBadCommand)

// lowering_memory.cc
IPCSPEC_LOWERS(Mmap)
IPCSPEC_LOWERS(Munmap)
IPCSPEC_LOWERS(Mprotect)
IPCSPEC_LOWERS(Msync)
IPCSPEC_LOWERS_AND_DECODES(Load)
IPCSPEC_LOWERS(Store)
IPCSPEC_LOWERS(ShmOpen)
IPCSPEC_LOWERS(ShmUnlink)
IPCSPEC_LOWERS(Ftruncate)
IPCSPEC_LOWERS(Fchmod)
IPCSPEC_LOWERS(Fchown)
IPCSPEC_LOWERS_AND_DECODES(FileSize)

// lowering_posix_mq.cc
IPCSPEC_LOWERS(MqOpen)
IPCSPEC_LOWERS(MqUnlink)
IPCSPEC_LOWERS(MqSend)
IPCSPEC_LOWERS_AND_DECODES(MqReceive)
IPCSPEC_LOWERS_AND_DECODES(MqGetattr)
IPCSPEC_LOWERS_AND_DECODES(MqSetattr)
IPCSPEC_LOWERS(MqNotify)
IPCSPEC_LOWERS_AND_DECODES(MqNotices)
IPCSPEC_LOWERS_AND_DECODES(MqFile)
IPCSPEC_LOWERS(LimitQueueBytes)

// lowering_posix_sem.cc
IPCSPEC_LOWERS(PsemInit)
IPCSPEC_LOWERS(PsemDestroy)
IPCSPEC_LOWERS(PsemOpen)
IPCSPEC_LOWERS(PsemClose)
IPCSPEC_LOWERS(PsemUnlink)
IPCSPEC_LOWERS(PsemPost)
IPCSPEC_LOWERS(PsemTryWait)
IPCSPEC_LOWERS(PsemWait)
IPCSPEC_LOWERS_AND_DECODES(PsemGetValue)

// lowering_ipc.cc
IPCSPEC_LOWERS(UnshareIpc)
IPCSPEC_LOWERS(SetLimit)
IPCSPEC_LOWERS_AND_DECODES(GetLimit)
IPCSPEC_LOWERS_AND_DECODES(ListIpc)
IPCSPEC_LOWERS(DropCapability)
IPCSPEC_LOWERS(SetGroup)

#undef IPCSPEC_LOWERS
#undef IPCSPEC_DECODES
#undef IPCSPEC_LOWERS_AND_DECODES

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_LOWERING_PARTS_H_
