#include "platforms/kernel/agent_ops.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iterator>
#include <optional>

#include "platforms/kernel/posix_sem_agent.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

// Lets the task open a file whatever its soft limit on descriptors.
class WithDescriptor {
 public:
  WithDescriptor() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit raised = {.rlim_cur = before_.rlim_max, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  ~WithDescriptor() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

int64_t ReadWhole(int64_t fd, char* to, int64_t room) {
  int64_t have = 0;
  while (have < room) {
    const int64_t n = RawSyscall(SYS_read, fd, reinterpret_cast<int64_t>(to + have), room - have);
    if (n <= 0) break;
    have += n;
  }
  return have;
}

// From all sets of the task, also the bounding set: user 0 would have it back by execve.
int64_t DropOne(int number) {
  if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, number) != 0) return -errno;
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return -errno;
  const uint32_t others = ~(uint32_t{1} << (number % 32));
  __user_cap_data_struct& half = sets[number / 32];
  half.effective &= others, half.permitted &= others, half.inheritable &= others;
  return ErrnoResult(syscall(SYS_capset, &header, sets));
}

// The compiler's own jumps: libc's would run the clean-up of a wait that they leave, which touches
// the semaphore once more.
thread_local void* guard[5];
thread_local int raised_signal = 0;

void LeaveGuarded(int signal) {
  raised_signal = signal;
  __builtin_longjmp(guard, 1);
}

// The signals that accesses raise. SIGABRT: libc gives up when the kernel takes no word for a
// futex.
constexpr int kRaised[] = {SIGSEGV, SIGBUS, SIGABRT};
constexpr size_t kSignals = std::size(kRaised);

// While it lives, a signal that an access raises ends the access. The task's own dispositions are
// back when it goes.
class Guard {
 public:
  Guard() {
    struct sigaction leave = {};
    leave.sa_handler = LeaveGuarded;
    for (size_t i = 0; i < kSignals; ++i) sigaction(kRaised[i], &leave, &before_[i]);
    Unblock(&mask_);
  }
  ~Guard() {
    sigprocmask(SIG_SETMASK, &mask_, nullptr);
    for (size_t i = 0; i < kSignals; ++i) sigaction(kRaised[i], &before_[i], nullptr);
  }
  static void Unblock(sigset_t* before) {
    sigset_t raised;
    sigemptyset(&raised);
    for (const int signal : kRaised) sigaddset(&raised, signal);
    sigprocmask(SIG_UNBLOCK, &raised, before);
  }

 private:
  struct sigaction before_[kSignals];
  sigset_t mask_;
};

// Whether a guard for many calls is there.
thread_local bool is_guarded = false;

// Does what may touch memory that is not accessible; the signal that this raised, or 0.
template <class Body>
int64_t Guarded(Body body) {
  std::optional<Guard> own;
  if (!is_guarded) own.emplace();
  raised_signal = 0;
  if (__builtin_setjmp(guard) == 0) body();
  if (raised_signal != 0 && is_guarded) Guard::Unblock(nullptr);  // its handler did not return
  return raised_signal;
}

constexpr size_t kCookie = 32;  // NOTIFY_COOKIE_LEN

}  // namespace

int64_t BecomeUser(int64_t uid, int64_t gid) {
  if (geteuid() != 0) return -EPERM;
  // Not libc's: those would tell threads that there are not.
  int64_t result = RawSyscall(SYS_setresgid, gid, gid, gid);
  if (result == 0) result = RawSyscall(SYS_setresuid, uid, uid, uid);
  // /proc must go on telling the harness whether this task is blocked.
  if (result == 0) RawSyscall(SYS_prctl, PR_SET_DUMPABLE, 1);
  return result;
}

int64_t ReadProc(char* to, int64_t room, const char* path) {
  const WithDescriptor raised;
  const int64_t fd =
      RawSyscall(SYS_openat, AT_FDCWD, reinterpret_cast<int64_t>(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const int64_t have = ReadWhole(fd, to, room);
  RawSyscall(SYS_close, fd);
  return have;
}

int64_t DropCapability(Capability capability) {
  switch (capability) {
    case Capability::kIpcOwner:
      return DropOne(CAP_IPC_OWNER);
    case Capability::kIpcLock:
      return DropOne(CAP_IPC_LOCK);
    case Capability::kSysAdmin:
      return DropOne(CAP_SYS_ADMIN);
    case Capability::kSysResource:
      return DropOne(CAP_SYS_RESOURCE);
    case Capability::kDacOverride: {
      const int64_t result = DropOne(CAP_DAC_READ_SEARCH);
      return result != 0 ? result : DropOne(CAP_DAC_OVERRIDE);
    }
  }
  return -EINVAL;
}

int64_t WriteFile(const char* path, const char* text, int64_t length) {
  const WithDescriptor raised;
  const int64_t fd =
      RawSyscall(SYS_openat, AT_FDCWD, reinterpret_cast<int64_t>(path), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const int64_t written = RawSyscall(SYS_write, fd, reinterpret_cast<int64_t>(text), length);
  RawSyscall(SYS_close, fd);
  return written < 0 ? written : 0;
}

int64_t SetSoftLimit(int resource, int64_t soft) {
  rlimit limit = {};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  if (static_cast<rlim_t>(soft) > limit.rlim_max) return -EPERM;
  limit.rlim_cur = static_cast<rlim_t>(soft);
  return ErrnoResult(setrlimit(static_cast<__rlimit_resource>(resource), &limit));
}

int64_t ReadFileAside(char* to, int64_t room, const char* path) {
  static int64_t* const result = static_cast<int64_t*>(
      mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  *result = -EIO;
  const int64_t child = RawSyscall(SYS_clone, CLONE_VFORK);
  if (child < 0) return child;
  if (child == 0) {
    RawSyscall(SYS_close, 0);  // the limit on descriptors must not matter
    const int64_t fd =
        RawSyscall(SYS_openat, AT_FDCWD, reinterpret_cast<int64_t>(path), O_RDONLY | O_CLOEXEC);
    *result = fd < 0 ? fd : ReadWhole(fd, to, room);
    RawSyscall(SYS_exit_group, 0);
  }
  // Not asleep: a sleeper would count as blocked in its call.
  while (RawSyscall(SYS_wait4, child, 0, __WALL | WNOHANG) == 0) RawSyscall(SYS_sched_yield);
  return *result;
}

int64_t WithGuard(absl::FunctionRef<int64_t()> body) {
  const Guard many;
  is_guarded = true;
  const int64_t result = body();
  is_guarded = false;
  return result;
}

int64_t CopyGuarded(volatile char* to, const volatile char* from, int64_t count) {
  return Guarded([=] {
    // A word is copied as one; and it has happened, for every processor, when this returns.
    const auto aligned = [](const volatile char* p) {
      return reinterpret_cast<uintptr_t>(p) % sizeof(uint64_t) == 0;
    };
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (count == sizeof(uint64_t) && aligned(to) && aligned(from)) {
      *reinterpret_cast<volatile uint64_t*>(to) = *reinterpret_cast<const volatile uint64_t*>(from);
    } else {
      for (int64_t i = 0; i < count; ++i) to[i] = from[i];
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
  });
}

int64_t SemaphoreGuarded(int64_t op, const std::array<int64_t, 6>& args) {
  volatile int64_t result = 0;
  return Guarded([&] { result = PerformPosixSem(op, args); }) == 0 ? result : -EFAULT;
}

int64_t NotifyByThread(int64_t queue) {
  if (fcntl(kNoticeSocket, F_GETFD) < 0) {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int moved = fd < 0 ? -1 : dup3(fd, kNoticeSocket, O_CLOEXEC);
    const int64_t error = -errno;
    if (fd >= 0) close(fd);
    setrlimit(RLIMIT_NOFILE, &limit);
    if (moved < 0) return error;
  }
  static char cookie[kCookie] = "ipcspec";
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_signo = kNoticeSocket;
  event.sigev_value.sival_ptr = cookie;
  return RawSyscall(SYS_mq_notify, queue, reinterpret_cast<int64_t>(&event));
}

int64_t TakeNotices(char* to, int64_t room) {
  int64_t count = 0;
  char message[kCookie];
  while (count < room && recv(kNoticeSocket, message, sizeof message, MSG_DONTWAIT) ==
                             static_cast<ssize_t>(sizeof message)) {
    to[count++] = message[kCookie - 1];  // NOTIFY_WOKENUP, NOTIFY_REMOVED
  }
  return count;
}

}  // namespace ipcspec
