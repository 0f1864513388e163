// POSIX semaphores in an agent. There are no system calls for them: libc makes them of a word in
// memory and futex(2), and names of files. So the agent calls libc.
#ifndef IPCSPEC_PLATFORMS_KERNEL_POSIX_SEM_AGENT_H_
#define IPCSPEC_PLATFORMS_KERNEL_POSIX_SEM_AGENT_H_

#include <array>
#include <cstdint>

namespace ipcspec {

// Requests, beside those of mailbox.h.
enum PosixSemOp : int64_t {
  kPsemInit = -200,       // args: address, shared, value
  kPsemDestroy = -201,    // args: address
  kPsemOpen = -202,       // args: name, flags, mode, value
  kPsemClose = -203,      // args: address
  kPsemUnlink = -204,     // args: name
  kPsemPost = -205,       // args: address
  kPsemTryWait = -206,    // args: address
  kPsemWait = -207,       // args: address
  kPsemTimedWait = -208,  // args: address, deadline (timespec)
  kPsemClockWait = -209,  // args: address, deadline (timespec), clock
  kPsemGetValue = -210,   // args: address, where the value goes (int)
};
inline bool IsPosixSemOp(int64_t op) { return kPsemGetValue <= op && op <= kPsemInit; }

// What the library function gives, or -errno.
int64_t PerformPosixSem(int64_t op, const std::array<int64_t, 6>& args);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_POSIX_SEM_AGENT_H_
