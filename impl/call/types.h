// The types that fields of calls have, beside numbers and strings. Each prints as it parses
// (impl/call/text.cc); names and bits stand in one table there.
#ifndef IPCSPEC_IMPL_CALL_TYPES_H_
#define IPCSPEC_IMPL_CALL_TYPES_H_

#include <cstdint>
#include <string>
#include <utility>

#include "impl/call/arg.h"
#include "impl/call/fields.h"

namespace ipcspec {

// A set of named bits; `Names` picks the table.
enum class BitNames {
  kOpen,
  kPoll,
  kIpc,
  kSemop,
  kMsg,
  kShmat,
  kProt,
  kMap,
  kMsync,
  kClone,
  kWait,
  kFd
};

template <BitNames N>
struct Bits {
  static constexpr BitNames kNames = N;
  int64_t bits = 0;
  constexpr Bits() = default;
  constexpr Bits(int64_t b) : bits(b) {}  // NOLINT: a test writes {.flags = O_NONBLOCK}
  bool has(int64_t b) const { return (bits & b) == b; }
  bool operator==(const Bits&) const = default;
};

using OpenFlags = Bits<BitNames::kOpen>;    // O_*
using PollEvents = Bits<BitNames::kPoll>;   // POLL*
using IpcFlags = Bits<BitNames::kIpc>;      // IPC_CREAT, IPC_EXCL, SHM_HUGETLB, the nine mode bits
using SemopFlags = Bits<BitNames::kSemop>;  // IPC_NOWAIT, SEM_UNDO
using MsgFlags = Bits<BitNames::kMsg>;      // IPC_NOWAIT, MSG_NOERROR, MSG_EXCEPT, MSG_COPY
using ShmatFlags = Bits<BitNames::kShmat>;  // SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC
using ProtFlags = Bits<BitNames::kProt>;    // PROT_*
using MapFlags = Bits<BitNames::kMap>;      // MAP_*
using MsyncFlags = Bits<BitNames::kMsync>;  // MS_*
using CloneFlags = Bits<BitNames::kClone>;  // CLONE_SYSVSEM, CLONE_NEWIPC
using WaitFlags = Bits<BitNames::kWait>;    // WNOHANG
using FdFlags = Bits<BitNames::kFd>;        // FD_CLOEXEC

// Permission and file type bits, printed in octal.
struct Mode {
  int64_t bits = 0;
  constexpr Mode() = default;
  constexpr Mode(int64_t b) : bits(b) {}  // NOLINT
  bool operator==(const Mode&) const = default;
};

// A signal number, printed by name.
struct Signal {
  int number = 0;
  constexpr Signal() = default;
  constexpr Signal(int n) : number(n) {}  // NOLINT
  bool operator==(const Signal&) const = default;
};

// What a task does with a signal (sigaction(2)).
enum class Disposition : uint8_t { kDefault, kIgnore, kHandle, kHandleRestart };

enum class MaskChange : uint8_t { kBlock, kUnblock };

// Whether a pointer argument is good or an address that is not mapped (EFAULT).
enum class Memory : uint8_t { kGood, kBad };

// How mq_notify(3) tells: sigev_notify, a number that is none of these, or no structure at all.
enum class Notify : uint8_t { kRemove, kNone, kSignal, kThread, kBad };

// The clock of a deadline: the call that has no argument for it, or one of these.
enum class Clock : uint8_t { kDefault, kRealtime, kMonotonic, kBad };

// The kinds of System V objects.
enum class IpcKind : uint8_t { kSem, kMsg, kShm };

// Numbers below /proc/sys/kernel and /proc/sys/fs/mqueue that belong to an IPC namespace.
enum class Limit : uint8_t {
  kMsgmax,
  kMsgmnb,
  kMsgmni,
  kShmmax,
  kShmall,
  kShmmni,
  kShmRmidForced,
  kSemNextId,
  kMsgNextId,
  kShmNextId,
  kMqQueuesMax,
  kMqMsgMax,
  kMqMsgsizeMax,
  kMqMsgDefault,
  kMqMsgsizeDefault,
};

inline constexpr int kLimits = 15;

// capabilities(7).
enum class Capability : uint8_t { kIpcOwner, kIpcLock, kSysAdmin, kSysResource, kDacOverride };

// Bytes to be written or sent. Long ones are made by Pattern (impl/call/bytes.h) and print short.
struct Bytes {
  std::string text;
  Bytes() = default;
  Bytes(std::string s) : text(std::move(s)) {}  // NOLINT
  Bytes(const char* s) : text(s) {}             // NOLINT
  bool operator==(const Bytes&) const = default;
};

// A span of time in nanoseconds; kForever waits without end.
struct Nanos {
  static constexpr int64_t kForever = -1;
  int64_t ns = kForever;
  constexpr Nanos() = default;
  constexpr Nanos(int64_t n) : ns(n) {}  // NOLINT
  bool operator==(const Nanos&) const = default;
};

// One element of a semop(2) array.
struct Sembuf {
  int64_t num = 0;
  int64_t op = 0;
  SemopFlags flags;
  IPCSPEC_FIELDS(Sembuf, num, op, flags)
};

// One element of a poll(2) array.
struct PollFd {
  Fd fd;
  PollEvents events;
  IPCSPEC_FIELDS(PollFd, fd, events)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_TYPES_H_
