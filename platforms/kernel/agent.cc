#include "platforms/kernel/agent.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "impl/call/types.h"
#include "platforms/kernel/agent_ops.h"
#include "platforms/kernel/agent_script.h"
#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/posix_sem_agent.h"
#include "platforms/kernel/raw_syscall.h"
#include "platforms/kernel/sharing_task.h"

namespace ipcspec {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

Mailboxes* memory = nullptr;
// The mailbox of this process; its handlers write there. Processes may share memory (CLONE_VM).
thread_local Mailbox* mine = nullptr;

[[noreturn]] void Serve();

void Handler(int signal, siginfo_t* info, void*) {
  mine->last_signal = {.signal = signal,
                       .code = info->si_code,
                       .pid = info->si_pid,
                       .uid = static_cast<int32_t>(info->si_uid),
                       .value = info->si_value.sival_int};
  const uint32_t n = mine->handlers_run.load(std::memory_order_relaxed);
  mine->handler_log[n % Mailbox::kLogSize] = static_cast<uint8_t>(signal);
  mine->handler_times[n % Mailbox::kLogSize] = Monotonic();
  mine->handlers_run.store(n + 1, std::memory_order_release);
}

int64_t SetDisposition(int signal, Disposition disposition) {
  struct sigaction action = {};
  switch (disposition) {
    case Disposition::kDefault:
      action.sa_handler = SIG_DFL;
      break;
    case Disposition::kIgnore:
      action.sa_handler = SIG_IGN;
      break;
    case Disposition::kHandleRestart:
      action.sa_flags = SA_RESTART;
      [[fallthrough]];
    case Disposition::kHandle:
      action.sa_flags |= SA_SIGINFO;
      action.sa_sigaction = Handler;
      break;
  }
  return ErrnoResult(sigaction(signal, &action, nullptr));
}

// Makes the new program image serve this slot. Returns only when execve failed.
int64_t ExecSelf(int64_t slot, const char* memory_path) {
  // The new image opens the memory before it has it: that must not fail for want of descriptors.
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  char slot_word[32], memory_word[256], descriptors_word[48];
  std::snprintf(slot_word, sizeof slot_word, "--agent=%d", static_cast<int>(slot));
  std::snprintf(memory_word, sizeof memory_word, "--memory=%s", memory_path);
  std::snprintf(descriptors_word, sizeof descriptors_word, "--descriptors=%lld",
                static_cast<long long>(limit.rlim_cur));
  const rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &raised);
  char name[] = "ipcspec";
  char* const argv[] = {name, slot_word, memory_word, descriptors_word, nullptr};
  char* const envp[] = {nullptr};
  // By a path from the program's directory: another user may not be allowed to search the root.
  execve(kAgentImage, argv, envp);
  const int64_t error = -errno;
  setrlimit(RLIMIT_NOFILE, &limit);
  return error;
}

// A new process has a mailbox of its own, and nothing of what its parent was told.
void BecomeTask(Mailbox* mailbox) {
  mine = mailbox;
  mine->last_signal = {};
  RawSyscall(SYS_close, kNoticeSocket);
  mine->pid = static_cast<int32_t>(RawSyscall(SYS_getpid));
}

int ServeSharing(void* mailbox) {
  BecomeTask(static_cast<Mailbox*>(mailbox));
  mine->request.result = 0;
  Serve();
}

int64_t Perform(const Prepared& request, char* buffer) {
  std::array<int64_t, 6> a = request.args;
  for (int i = 0; i < 6; ++i) {
    if ((request.pointers >> i & 1) != 0) a[i] = reinterpret_cast<int64_t>(buffer + a[i]);
  }
  if (request.deadline >= 0) {
    timespec now, *at = reinterpret_cast<timespec*>(buffer + request.deadline);
    clock_gettime(request.deadline_clock, &now);
    const int64_t nanos = now.tv_nsec + at->tv_nsec;
    at->tv_sec += now.tv_sec + (nanos >= kSecond) - (nanos < 0);
    at->tv_nsec = (nanos + kSecond) % kSecond;
  }
  const auto text = [&a](int i) { return reinterpret_cast<const char*>(a[i]); };
  switch (request.op) {
    case kPing:
      return 0;
    case kScript:
      return CarryOutScript(*memory, static_cast<int>(mine - memory->slots.data()), Perform);
    case kClone: {
      if ((a[0] & CLONE_VM) != 0) return CloneSharing(a[0], ServeSharing, &memory->slots[a[1]]);
      const int64_t pid = RawSyscall(SYS_clone, a[0] | SIGCHLD);
      if (pid == 0) {  // the child serves its own mailbox from now on
        BecomeTask(&memory->slots[a[1]]);
      }
      return pid;
    }
    case kExec:
      return ExecSelf(a[0], text(1));
    case kSigaction:
      return SetDisposition(static_cast<int>(a[0]), static_cast<Disposition>(a[1]));
    case kSetCredentials:
      return BecomeUser(a[0], a[1]);
    case kWriteFile:
      return WriteFile(text(0), text(1), a[2]);
    case kFtok: {
      const key_t key = ftok(text(0), static_cast<int>(a[1]));
      return key == -1 ? -errno : key;  // other keys may be negative
    }
    case kLimitDescriptors:
      return SetSoftLimit(RLIMIT_NOFILE, a[0]);
    case kLimit:
      return SetSoftLimit(static_cast<int>(a[0]), a[1]);
    case kRefuse:
      return -a[0];
    case kReadFile:
      return ReadFileAside(reinterpret_cast<char*>(a[0]), a[1], text(2));
    case kReadProc:
      return ReadProc(reinterpret_cast<char*>(a[0]), a[1], text(2));
    case kDropCapability:
      return DropCapability(static_cast<Capability>(a[0]));
    case kSignalInfo:
      std::memcpy(reinterpret_cast<char*>(a[0]), &mine->last_signal, sizeof mine->last_signal);
      return 0;
    case kLoad:
      return CopyGuarded(reinterpret_cast<char*>(a[0]), reinterpret_cast<char*>(a[1]), a[2]);
    case kStore:
      return CopyGuarded(reinterpret_cast<char*>(a[1]), reinterpret_cast<char*>(a[0]), a[2]);
    case kShmOpen:
      return ErrnoResult(shm_open(text(0), static_cast<int>(a[1]), static_cast<mode_t>(a[2])));
    case kShmUnlink:
      return ErrnoResult(shm_unlink(text(0)));
    case kMqNotifyThread:
      return NotifyByThread(a[0]);
    case kMqNotices:
      return TakeNotices(reinterpret_cast<char*>(a[0]), a[1]);
    default:
      if (IsPosixSemOp(request.op)) return SemaphoreGuarded(request.op, a);
      return RawSyscall(request.op, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}

[[noreturn]] void Serve() {
  while (true) {
    // Published with what the request before gave; a new agent has nothing to tell.
    mine->state.store(Mailbox::kAnswered, std::memory_order_release);
    memory->answers.fetch_add(1, std::memory_order_release);
    FutexWake(memory->answers);
    while (mine->state.load(std::memory_order_acquire) != Mailbox::kCalled) {
      FutexWait(mine->state, Mailbox::kAnswered, nullptr);
    }
    Mailbox* const asked = mine;
    const int64_t result = Perform(asked->request, asked->buffer.data());
    // A fork returns twice, and the child has another mailbox.
    mine->request.result = result;
  }
}

}  // namespace

void RunAgent(Mailboxes& shared, int slot, const std::string& directory, int64_t max_descriptors) {
  memory = &shared;
  mine = &shared.slots[slot];
  mine->last_signal = {};
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  if (syscall(SYS_close_range, 3, ~0u, 0) != 0) {
    for (int fd = 3; fd < 1024; ++fd) close(fd);
  }
  for (int signal = 1; signal < 32; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(022);
  // Where a user namespace does not allow it, no task becomes another user either (probe.cc).
  RawSyscall(SYS_setgroups, 0, 0);
  // One byte, not none: also programs that the machine pipes its core dumps into are not started.
  const rlimit core = {.rlim_cur = 1, .rlim_max = 1};
  setrlimit(RLIMIT_CORE, &core);
  SetSoftLimit(RLIMIT_NOFILE, max_descriptors);
  if (chdir(directory.c_str()) != 0) _exit(98);
  mine->pid = getpid();
  Serve();
}

namespace {

// Before every other constructor of the program: an agent needs none of what they make, and under
// emulation they would be most of the time that an exec takes.
__attribute__((constructor(101))) void GoOnAsAgent(int argc, char** argv, char**) {
  constexpr char kAgent[] = "--agent=", kMemory[] = "--memory=", kDescriptors[] = "--descriptors=";
  if (argc != 4 || std::strncmp(argv[1], kAgent, sizeof kAgent - 1) != 0 ||
      std::strncmp(argv[2], kMemory, sizeof kMemory - 1) != 0 ||
      std::strncmp(argv[3], kDescriptors, sizeof kDescriptors - 1) != 0) {
    return;
  }
  const int slot = std::atoi(argv[1] + sizeof kAgent - 1);
  const int fd = open(argv[2] + sizeof kMemory - 1, O_RDWR);
  void* map = mmap(kMailboxesAddress, sizeof(Mailboxes), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  close(fd);
  if (map == MAP_FAILED || slot < 0 || slot >= Mailboxes::kSlots) _exit(97);
  memory = static_cast<Mailboxes*>(map);
  mine = &memory->slots[slot];
  mine->last_signal = {};
  mine->request.result = 0;
  SetSoftLimit(RLIMIT_NOFILE, std::atoll(argv[3] + sizeof kDescriptors - 1));
  // execve made the task undumpable if it had changed its user.
  prctl(PR_SET_DUMPABLE, 1);
  if (mine->request.op == kScript) {
    FinishExec(memory->scripts[slot]);
    mine->request.result = CarryOutScript(*memory, slot, Perform);
  }
  Serve();
}

}  // namespace
}  // namespace ipcspec
