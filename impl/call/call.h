// Call: one operation with its arguments, as a typed value.
//
// A new mechanism adds a header with its calls and a line of them below; everything that walks
// calls (text, resolving, shrinking) then knows them.
#ifndef IPCSPEC_IMPL_CALL_CALL_H_
#define IPCSPEC_IMPL_CALL_CALL_H_

#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "impl/call/file_calls.h"
#include "impl/call/ipc_calls.h"
#include "impl/call/memory_calls.h"
#include "impl/call/pipe_calls.h"
#include "impl/call/posix_mq_calls.h"
#include "impl/call/posix_sem_calls.h"
#include "impl/call/process_calls.h"
#include "impl/call/sysv_msg_calls.h"
#include "impl/call/sysv_sem_calls.h"
#include "impl/call/sysv_shm_calls.h"

namespace ipcspec {

// The calls, as alternatives. Use Call.
using CallVariant = std::variant<
    // process_calls.h
    Fork, Clone, Exec, Exit, Kill, Wait, Sigaction, Sigprocmask, Sigpending, SetCredentials,
    LimitDescriptors, Umask, SignalInfo, Await,
    // file_calls.h
    Open, Close, Dup, Dup2, GetFdFlags, SetFdFlags, GetStatusFlags, SetStatusFlags, Lseek, Fstat,
    Stat, Poll, Mkfifo, Mknod, Mkdir, Symlink, Unlink, Rename, Chmod, Chown, MountTmpfs,
    RemountReadOnly,
    // pipe_calls.h
    MakePipe, Read, Write, Readv, Writev, GetPipeSize, SetPipeSize, Fionread,
    // sysv_sem_calls.h
    Ftok, Semget, Semop, SemGetVal, SemSetVal, SemGetAll, SemSetAll, SemGetPid, SemGetNcnt,
    SemGetZcnt, SemStat, SemSet, SemRemove, SemLimits, SemUsage, SemStatIndex, SemBadCommand,
    SetSemLimits,
    // sysv_msg_calls.h
    Msgget, Msgsnd, Msgrcv, MsgStat, MsgSet, MsgRemove, MsgLimits, MsgUsage, MsgStatIndex,
    MsgBadCommand,
    // sysv_shm_calls.h
    Shmget, Shmat, Shmdt, ShmStat, ShmSet, ShmRemove, ShmLock, ShmUnlock, ShmLimits, ShmUsage,
    ShmStatIndex, ShmBadCommand,
    // ipc_calls.h
    UnshareIpc, SetLimit, GetLimit, ListIpc, DropCapability, SetGroup,
    // memory_calls.h
    Mmap, Munmap, Mprotect, Msync, Load, Store, ShmOpen, ShmUnlink, Ftruncate, Fchmod, Fchown,
    FileSize,
    // posix_mq_calls.h
    MqOpen, MqUnlink, MqSend, MqReceive, MqGetattr, MqSetattr, MqNotify, MqNotices, MqFile,
    LimitQueueBytes,
    // posix_sem_calls.h
    PsemInit, PsemDestroy, PsemOpen, PsemClose, PsemUnlink, PsemPost, PsemTryWait, PsemWait,
    PsemGetValue>;

// One of them. It is a class of its own so that copying, comparing and destroying so many
// alternatives is compiled once, not in every file that has a call.
class Call : public CallVariant {
 public:
  Call();
  Call(const Call&);
  Call(Call&&) noexcept;
  Call& operator=(const Call&);
  Call& operator=(Call&&) noexcept;
  ~Call();
  template <class C>
  requires HasFields<C> Call(C call)  // NOLINT: a test writes a.Do(Close{.fd = 3})
      : CallVariant(std::in_place_type<C>, std::move(call)) {}
  bool operator==(const Call& other) const;
};

inline std::string_view NameOf(const Call& call) {
  return std::visit([](const auto& c) { return std::string_view(c.kName); }, call);
}

// Whether SA_RESTART makes the call go on after a handler (signal(7)).
inline bool IsRestartable(const Call& call) {
  return std::visit(
      []<class C>(const C&) {
        return requires { C::kRestartable; };
      },
      call);
}

// Whether some systems do not keep to that: sem_timedwait, which Linux does not restart.
inline bool RestartIsUncertain(const Call& call) {
  const auto* wait = std::get_if<PsemWait>(&call);
  return wait != nullptr && wait->timeout.ns != Nanos::kForever;
}

// What the call returns when it succeeds, for later calls to name; none for a plain number.
inline std::optional<ArgKind> KindGiven(const Call& call) {
  return std::visit(
      []<class C>(const C&) -> std::optional<ArgKind> {
        if constexpr (requires { C::kGives; }) {
          return C::kGives;
        } else {
          return std::nullopt;
        }
      },
      call);
}

// How long the call waits at most; kForever for one that does not time out.
inline Nanos TimeoutOf(const Call& call) {
  return std::visit(
      [](const auto& c) {
        if constexpr (requires { c.timeout; }) {
          return c.timeout;
        } else {
          return Nanos();
        }
      },
      call);
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_CALL_H_
