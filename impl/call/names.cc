// The tables of names, and how they are searched. No table is longer than 90 rows, so a search
// goes through all of it.
#include "impl/call/names.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <numeric>
#include <utility>

#include "impl/call/cat.h"
#include "impl/call/check.h"

namespace ipcspec {
namespace {

#define NAME(constant) \
  { #constant, constant }

constexpr Name kErrnos[] = {
    NAME(EPERM),         NAME(ENOENT),       NAME(ESRCH),           NAME(EINTR),
    NAME(EIO),           NAME(ENXIO),        NAME(E2BIG),           NAME(ENOEXEC),
    NAME(EBADF),         NAME(ECHILD),       NAME(EAGAIN),          NAME(ENOMEM),
    NAME(EACCES),        NAME(EFAULT),       NAME(ENOTBLK),         NAME(EBUSY),
    NAME(EEXIST),        NAME(EXDEV),        NAME(ENODEV),          NAME(ENOTDIR),
    NAME(EISDIR),        NAME(EINVAL),       NAME(ENFILE),          NAME(EMFILE),
    NAME(ENOTTY),        NAME(ETXTBSY),      NAME(EFBIG),           NAME(ENOSPC),
    NAME(ESPIPE),        NAME(EROFS),        NAME(EMLINK),          NAME(EPIPE),
    NAME(EDOM),          NAME(ERANGE),       NAME(EDEADLK),         NAME(ENAMETOOLONG),
    NAME(ENOLCK),        NAME(ENOSYS),       NAME(ENOTEMPTY),       NAME(ELOOP),
    NAME(ENOMSG),        NAME(EIDRM),        NAME(ENOSTR),          NAME(ENODATA),
    NAME(ETIME),         NAME(ENOSR),        NAME(ENOLINK),         NAME(EPROTO),
    NAME(EBADMSG),       NAME(EOVERFLOW),    NAME(EILSEQ),          NAME(ERESTART),
    NAME(EUSERS),        NAME(ENOTSOCK),     NAME(EDESTADDRREQ),    NAME(EMSGSIZE),
    NAME(EPROTOTYPE),    NAME(ENOPROTOOPT),  NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT),
    NAME(EOPNOTSUPP),    NAME(EPFNOSUPPORT), NAME(EAFNOSUPPORT),    NAME(EADDRINUSE),
    NAME(EADDRNOTAVAIL), NAME(ENETDOWN),     NAME(ENETUNREACH),     NAME(ENETRESET),
    NAME(ECONNABORTED),  NAME(ECONNRESET),   NAME(ENOBUFS),         NAME(EISCONN),
    NAME(ENOTCONN),      NAME(ESHUTDOWN),    NAME(ETOOMANYREFS),    NAME(ETIMEDOUT),
    NAME(ECONNREFUSED),  NAME(EHOSTDOWN),    NAME(EHOSTUNREACH),    NAME(EALREADY),
    NAME(EINPROGRESS),   NAME(ESTALE),       NAME(EDQUOT),          NAME(ECANCELED),
    NAME(EKEYEXPIRED),   NAME(EOWNERDEAD),   NAME(ENOTRECOVERABLE), NAME(EWOULDBLOCK),
    NAME(ENOTSUP),
};

constexpr Name kSignals[] = {
    NAME(SIGHUP),  NAME(SIGINT),    NAME(SIGQUIT), NAME(SIGILL),    NAME(SIGTRAP), NAME(SIGABRT),
    NAME(SIGBUS),  NAME(SIGFPE),    NAME(SIGKILL), NAME(SIGUSR1),   NAME(SIGSEGV), NAME(SIGUSR2),
    NAME(SIGPIPE), NAME(SIGALRM),   NAME(SIGTERM), NAME(SIGSTKFLT), NAME(SIGCHLD), NAME(SIGCONT),
    NAME(SIGSTOP), NAME(SIGTSTP),   NAME(SIGTTIN), NAME(SIGTTOU),   NAME(SIGURG),  NAME(SIGXCPU),
    NAME(SIGXFSZ), NAME(SIGVTALRM), NAME(SIGPROF), NAME(SIGWINCH),  NAME(SIGIO),   NAME(SIGPWR),
    NAME(SIGSYS),
};

constexpr Name kOpenBits[] = {
    NAME(O_RDWR),    NAME(O_WRONLY),  NAME(O_CREAT),    NAME(O_EXCL),      NAME(O_NOCTTY),
    NAME(O_TRUNC),   NAME(O_APPEND),  NAME(O_NONBLOCK), NAME(O_SYNC),      NAME(O_DSYNC),
    NAME(O_ASYNC),   NAME(O_DIRECT),  NAME(O_TMPFILE),  NAME(O_DIRECTORY), NAME(O_NOFOLLOW),
    NAME(O_NOATIME), NAME(O_CLOEXEC), NAME(O_PATH),     NAME(O_RDONLY),
};
constexpr Name kPollBits[] = {
    NAME(POLLIN),     NAME(POLLPRI),    NAME(POLLOUT),    NAME(POLLERR),
    NAME(POLLHUP),    NAME(POLLNVAL),   NAME(POLLRDNORM), NAME(POLLRDBAND),
    NAME(POLLWRNORM), NAME(POLLWRBAND), NAME(POLLMSG),    NAME(POLLRDHUP),
};
constexpr Name kIpcBits[] = {
    NAME(IPC_CREAT),
    NAME(IPC_EXCL),
    NAME(SHM_HUGETLB),
    NAME(SHM_NORESERVE),
};
constexpr Name kSemopBits[] = {
    NAME(IPC_NOWAIT),
    NAME(SEM_UNDO),
};
constexpr Name kMsgBits[] = {
    NAME(IPC_NOWAIT),
    NAME(MSG_NOERROR),
    NAME(MSG_EXCEPT),
    NAME(MSG_COPY),
};
constexpr Name kShmatBits[] = {
    NAME(SHM_RDONLY),
    NAME(SHM_RND),
    NAME(SHM_REMAP),
    NAME(SHM_EXEC),
};
constexpr Name kProtBits[] = {
    NAME(PROT_READ),
    NAME(PROT_WRITE),
    NAME(PROT_EXEC),
    NAME(PROT_NONE),
};
constexpr Name kMapBits[] = {
    NAME(MAP_SHARED_VALIDATE), NAME(MAP_SHARED),  NAME(MAP_PRIVATE), NAME(MAP_ANONYMOUS),
    NAME(MAP_FIXED_NOREPLACE), NAME(MAP_FIXED),   NAME(MAP_LOCKED),  NAME(MAP_NORESERVE),
    NAME(MAP_POPULATE),        NAME(MAP_HUGETLB), NAME(MAP_SYNC),
};
constexpr Name kMsyncBits[] = {
    NAME(MS_ASYNC),
    NAME(MS_INVALIDATE),
    NAME(MS_SYNC),
};
constexpr Name kCloneBits[] = {
    NAME(CLONE_VM),     NAME(CLONE_FS),      NAME(CLONE_FILES),  NAME(CLONE_SIGHAND),
    NAME(CLONE_THREAD), NAME(CLONE_SYSVSEM), NAME(CLONE_NEWIPC),
};
constexpr Name kWaitBits[] = {
    NAME(WNOHANG),
    NAME(WUNTRACED),
    NAME(WCONTINUED),
};
constexpr Name kFdBits[] = {
    NAME(FD_CLOEXEC),
};

#undef NAME

constexpr Name kDispositions[] = {
    {"default", static_cast<int64_t>(Disposition::kDefault)},
    {"ignore", static_cast<int64_t>(Disposition::kIgnore)},
    {"handle", static_cast<int64_t>(Disposition::kHandle)},
    {"handle_restart", static_cast<int64_t>(Disposition::kHandleRestart)},
};
constexpr Name kMaskChanges[] = {
    {"block", static_cast<int64_t>(MaskChange::kBlock)},
    {"unblock", static_cast<int64_t>(MaskChange::kUnblock)},
};
constexpr Name kMemories[] = {
    {"good", static_cast<int64_t>(Memory::kGood)},
    {"bad", static_cast<int64_t>(Memory::kBad)},
};

constexpr Name kNotifies[] = {
    {"remove", static_cast<int64_t>(Notify::kRemove)},
    {"none", static_cast<int64_t>(Notify::kNone)},
    {"signal", static_cast<int64_t>(Notify::kSignal)},
    {"thread", static_cast<int64_t>(Notify::kThread)},
    {"bad", static_cast<int64_t>(Notify::kBad)},
};
constexpr Name kClocks[] = {
    {"default", static_cast<int64_t>(Clock::kDefault)},
    {"realtime", static_cast<int64_t>(Clock::kRealtime)},
    {"monotonic", static_cast<int64_t>(Clock::kMonotonic)},
    {"bad", static_cast<int64_t>(Clock::kBad)},
};
constexpr Name kIpcKinds[] = {
    {"sem", static_cast<int64_t>(IpcKind::kSem)},
    {"msg", static_cast<int64_t>(IpcKind::kMsg)},
    {"shm", static_cast<int64_t>(IpcKind::kShm)},
};
constexpr Name kLimitNames[] = {
    {"msgmax", static_cast<int64_t>(Limit::kMsgmax)},
    {"msgmnb", static_cast<int64_t>(Limit::kMsgmnb)},
    {"msgmni", static_cast<int64_t>(Limit::kMsgmni)},
    {"shmmax", static_cast<int64_t>(Limit::kShmmax)},
    {"shmall", static_cast<int64_t>(Limit::kShmall)},
    {"shmmni", static_cast<int64_t>(Limit::kShmmni)},
    {"shm_rmid_forced", static_cast<int64_t>(Limit::kShmRmidForced)},
    {"sem_next_id", static_cast<int64_t>(Limit::kSemNextId)},
    {"msg_next_id", static_cast<int64_t>(Limit::kMsgNextId)},
    {"shm_next_id", static_cast<int64_t>(Limit::kShmNextId)},
    {"queues_max", static_cast<int64_t>(Limit::kMqQueuesMax)},
    {"msg_max", static_cast<int64_t>(Limit::kMqMsgMax)},
    {"msgsize_max", static_cast<int64_t>(Limit::kMqMsgsizeMax)},
    {"msg_default", static_cast<int64_t>(Limit::kMqMsgDefault)},
    {"msgsize_default", static_cast<int64_t>(Limit::kMqMsgsizeDefault)},
};
constexpr Name kCapabilities[] = {
    {"ipc_owner", static_cast<int64_t>(Capability::kIpcOwner)},
    {"ipc_lock", static_cast<int64_t>(Capability::kIpcLock)},
    {"sys_admin", static_cast<int64_t>(Capability::kSysAdmin)},
    {"sys_resource", static_cast<int64_t>(Capability::kSysResource)},
    {"dac_override", static_cast<int64_t>(Capability::kDacOverride)},
};

// How many letters must be put in, left out or changed to make `a` of `b`.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

NameTable BitTable(BitNames kind) {
  switch (kind) {
    case BitNames::kOpen:
      return kOpenBits;
    case BitNames::kPoll:
      return kPollBits;
    case BitNames::kIpc:
      return kIpcBits;
    case BitNames::kSemop:
      return kSemopBits;
    case BitNames::kMsg:
      return kMsgBits;
    case BitNames::kShmat:
      return kShmatBits;
    case BitNames::kProt:
      return kProtBits;
    case BitNames::kMap:
      return kMapBits;
    case BitNames::kMsync:
      return kMsyncBits;
    case BitNames::kClone:
      return kCloneBits;
    case BitNames::kWait:
      return kWaitBits;
    case BitNames::kFd:
      return kFdBits;
  }
  IPCSPEC_CHECK(false, "bits without a table");
}

NameTable ErrnoTable() { return kErrnos; }
NameTable SignalTable() { return kSignals; }

template <>
NameTable EnumTable<Disposition>() {
  return kDispositions;
}
template <>
NameTable EnumTable<MaskChange>() {
  return kMaskChanges;
}
template <>
NameTable EnumTable<Memory>() {
  return kMemories;
}

template <>
NameTable EnumTable<Notify>() {
  return kNotifies;
}
template <>
NameTable EnumTable<Clock>() {
  return kClocks;
}
template <>
NameTable EnumTable<IpcKind>() {
  return kIpcKinds;
}
template <>
NameTable EnumTable<Limit>() {
  return kLimitNames;
}
template <>
NameTable EnumTable<Capability>() {
  return kCapabilities;
}

std::string_view NameOfValue(NameTable table, int64_t value) {
  for (const Name& name : table) {
    if (name.value == value) return name.text;
  }
  return "";
}

std::optional<int64_t> ValueOfName(NameTable table, std::string_view name) {
  for (const Name& row : table) {
    if (row.text == name) return row.value;
  }
  return std::nullopt;
}

std::string ErrnoName(int error) {
  const std::string_view name = NameOfValue(kErrnos, error);
  return name.empty() ? Cat("errno ", error) : std::string(name);
}

std::string SignalName(int signal) {
  const std::string_view name = NameOfValue(kSignals, signal);
  return name.empty() ? Cat(signal) : std::string(name);
}

std::vector<std::string_view> NearNames(std::string_view word,
                                        absl::Span<const std::string_view> names) {
  constexpr size_t kLongest = 40;
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const std::string_view name : names) {
    if (word.empty() || word.size() > kLongest) continue;
    const size_t distance = Distance(word, name);
    const bool part =
        word.size() >= 3 && (name.find(word) != name.npos || word.find(name) != word.npos);
    if (distance <= 2 || part) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string_view> result;
  for (size_t i = 0; i < near.size() && i < 3; ++i) result.push_back(near[i].second);
  return result;
}

const char* LimitPath(Limit limit) {
  switch (limit) {
    case Limit::kMsgmax:
      return "/proc/sys/kernel/msgmax";
    case Limit::kMsgmnb:
      return "/proc/sys/kernel/msgmnb";
    case Limit::kMsgmni:
      return "/proc/sys/kernel/msgmni";
    case Limit::kShmmax:
      return "/proc/sys/kernel/shmmax";
    case Limit::kShmall:
      return "/proc/sys/kernel/shmall";
    case Limit::kShmmni:
      return "/proc/sys/kernel/shmmni";
    case Limit::kShmRmidForced:
      return "/proc/sys/kernel/shm_rmid_forced";
    case Limit::kSemNextId:
      return "/proc/sys/kernel/sem_next_id";
    case Limit::kMsgNextId:
      return "/proc/sys/kernel/msg_next_id";
    case Limit::kShmNextId:
      return "/proc/sys/kernel/shm_next_id";
    case Limit::kMqQueuesMax:
      return "/proc/sys/fs/mqueue/queues_max";
    case Limit::kMqMsgMax:
      return "/proc/sys/fs/mqueue/msg_max";
    case Limit::kMqMsgsizeMax:
      return "/proc/sys/fs/mqueue/msgsize_max";
    case Limit::kMqMsgDefault:
      return "/proc/sys/fs/mqueue/msg_default";
    case Limit::kMqMsgsizeDefault:
      return "/proc/sys/fs/mqueue/msgsize_default";
  }
  return "";
}

}  // namespace ipcspec
