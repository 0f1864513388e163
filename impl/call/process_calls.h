// Calls on tasks, signals, credentials and limits.
#ifndef IPCSPEC_IMPL_CALL_PROCESS_CALLS_H_
#define IPCSPEC_IMPL_CALL_PROCESS_CALLS_H_

#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// fork(2). Returns the new task: its name is the label of this step.
struct Fork {
  static constexpr std::string_view kName = "fork";
  IPCSPEC_FIELDS(Fork)
};

// clone(2) of a process that shares with its parent what `flags` say (CLONE_SYSVSEM: the list of
// semaphore adjustments).
struct Clone {
  static constexpr std::string_view kName = "clone";
  CloneFlags flags;
  IPCSPEC_FIELDS(Clone, flags)
};

// execve(2) of the agent's own program: the task goes on, close-on-exec descriptors are gone.
struct Exec {
  static constexpr std::string_view kName = "exec";
  IPCSPEC_FIELDS(Exec)
};

// _exit(2). Does not return; the history shows an exit event.
struct Exit {
  static constexpr std::string_view kName = "exit";
  int64_t status = 0;
  IPCSPEC_FIELDS(Exit, status)
};

// kill(2).
struct Kill {
  static constexpr std::string_view kName = "kill";
  TaskArg target;
  Signal signal;
  IPCSPEC_FIELDS(Kill, target, signal)
};

// waitpid(2) for one child. values: the wait status.
struct Wait {
  static constexpr std::string_view kName = "wait";
  static constexpr bool kRestartable = true;
  TaskArg target;
  WaitFlags options;
  IPCSPEC_FIELDS(Wait, target, options)
};

// sigaction(2). A handler does nothing but be counted: the history shows a signal event.
struct Sigaction {
  static constexpr std::string_view kName = "sigaction";
  Signal signal;
  Disposition disposition = Disposition::kDefault;
  IPCSPEC_FIELDS(Sigaction, signal, disposition)
};

// sigprocmask(2) for one signal.
struct Sigprocmask {
  static constexpr std::string_view kName = "sigprocmask";
  MaskChange how = MaskChange::kBlock;
  Signal signal;
  IPCSPEC_FIELDS(Sigprocmask, how, signal)
};

// sigpending(2). values: the pending signals, ascending.
struct Sigpending {
  static constexpr std::string_view kName = "sigpending";
  IPCSPEC_FIELDS(Sigpending)
};

// What came with the signal whose handler the task ran last (siginfo_t of sigaction(2)). values:
// si_signo, si_code, the sending task (-1: none of ours), its real user id, si_value.
struct SignalInfo {
  static constexpr std::string_view kName = "signal_info";
  IPCSPEC_FIELDS(SignalInfo)
};

// setresgid(2), setresuid(2): for good. The supplementary group stays (SetGroup). Fails with EPERM
// unless the caller is user 0.
struct SetCredentials {
  static constexpr std::string_view kName = "setcredentials";
  int64_t uid = 0;
  int64_t gid = 0;
  IPCSPEC_FIELDS(SetCredentials, uid, gid)
};

// setrlimit(2) of the soft RLIMIT_NOFILE.
struct LimitDescriptors {
  static constexpr std::string_view kName = "limitdescriptors";
  int64_t count = 0;
  IPCSPEC_FIELDS(LimitDescriptors, count)
};

// umask(2). Returns the mask before.
struct Umask {
  static constexpr std::string_view kName = "umask";
  Mode mask;
  IPCSPEC_FIELDS(Umask, mask)
};

// Not a system call: lets time pass until the call that the task is in has returned.
struct Await {
  static constexpr std::string_view kName = "await";
  IPCSPEC_FIELDS(Await)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_PROCESS_CALLS_H_
