// ProcWatch: what /proc says of one process: running, blocked in a system call, or dead.
//
// "Blocked" is read, not guessed: /proc/PID/syscall names the call that a sleeping process is in,
// and says "running" of one that is not asleep. Two looks with the same count of context switches
// mean that it slept all the time between. Where the kernel does not tell (gVisor), Looks say
// kUnknown. Looking makes no call on anything the process works with.
#ifndef IPCSPEC_PLATFORMS_KERNEL_PROC_WATCH_H_
#define IPCSPEC_PLATFORMS_KERNEL_PROC_WATCH_H_

#include <cstdint>

namespace ipcspec {

struct ProcLook {
  enum State { kRunning, kBlocked, kStopped, kDead, kUnknown };
  State state = kUnknown;
  int64_t syscall = -1;   // kBlocked: its number
  int64_t argument = 0;   // and its first argument
  int64_t switches = -1;  // kBlocked, kStopped: context switches so far
  int status = -1;        // kDead: as wait(2) tells it, -1 when it cannot be read
};

class ProcWatch {
 public:
  ProcWatch() = default;
  explicit ProcWatch(int pid) : pid_(pid) {}
  ProcWatch(ProcWatch&& other) noexcept { *this = static_cast<ProcWatch&&>(other); }
  ProcWatch& operator=(ProcWatch&& other) noexcept;
  ~ProcWatch() { Close(); }

  ProcLook Look();
  // Only whether it is dead.
  bool Dead(int* status);

 private:
  void Close();
  int64_t Switches();

  int pid_ = -1;
  int syscall_ = -1, stat_ = -1, schedstat_ = -1,
      status_ = -1;  // open files, -1: not yet, -2: none
};

// Whether /proc tells of blocked processes here.
bool ProcTellsBlocked();

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_PROC_WATCH_H_
