// ProcWatch: what /proc says of one process: running, blocked in a system call, or dead.
//
// "Blocked" is read, not guessed: /proc/PID/syscall names the call that a sleeping process is in,
// and says "running" of one that is not asleep. Two looks with the same count of context switches
// mean that it slept all the time between. Looking makes no call on anything the process works
// with. But whoever reads /proc/PID/stat holds on to its memory meanwhile: what it has attached
// stays attached a moment longer when it ends or runs a program just then. So the state of what
// races is read only when nothing runs that could see that.
#ifndef IPCSPEC_PLATFORMS_KERNEL_PROC_WATCH_H_
#define IPCSPEC_PLATFORMS_KERNEL_PROC_WATCH_H_

#include <cstddef>
#include <cstdint>

namespace ipcspec {

struct ProcLook {
  enum State { kRunning, kBlocked, kStopped, kDead };
  State state = kRunning;  // or nobody can tell (gVisor)
  int64_t syscall = -1;    // kBlocked: its number
  int64_t argument = 0;    // and its first argument
  int64_t switches = -1;   // kBlocked, kStopped: context switches so far
  int status = -1;         // kDead: as wait(2) tells it, -1 when it cannot be read
};

class ProcWatch {
 public:
  ProcWatch() = default;
  explicit ProcWatch(int pid) : pid_(pid) {}
  ProcWatch(ProcWatch&& other) noexcept { *this = static_cast<ProcWatch&&>(other); }
  ProcWatch& operator=(ProcWatch&& other) noexcept;
  ~ProcWatch() { Close(); }

  ProcLook Look();
  // Whether it is neither asleep nor dead, found out without holding on to its memory.
  bool Running();
  // Only whether it is dead.
  bool Dead(int* status);

 private:
  void Close();
  int64_t Switches();
  // What /proc/PID/syscall says of one that is asleep, null of all else.
  const char* SleepsIn(char* buffer, size_t size);

  int pid_ = -1;
  // Open files, -1: not yet, -2: none.
  int pidfd_ = -1, syscall_ = -1, stat_ = -1, schedstat_ = -1, status_ = -1;
};

// Whether /proc tells of blocked processes here.
bool ProcTellsBlocked();

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_PROC_WATCH_H_
