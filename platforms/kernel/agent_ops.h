// What an agent does that is no single system call. Each gives what the call would, or -errno.
#ifndef IPCSPEC_PLATFORMS_KERNEL_AGENT_OPS_H_
#define IPCSPEC_PLATFORMS_KERNEL_AGENT_OPS_H_

#include <array>
#include <cerrno>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "impl/call/types.h"

namespace ipcspec {

// What a function of libc gave, as a system call gives it.
inline int64_t ErrnoResult(int64_t result) { return result < 0 ? -errno : result; }

// Makes these the real, effective and saved user and group. Errors: EPERM, of any but user 0.
int64_t BecomeUser(int64_t uid, int64_t gid);

// Gives a capability up for good (capabilities(7)).
int64_t DropCapability(Capability capability);

// Sets a soft limit (setrlimit(2)). Errors: EPERM above the hard one.
int64_t SetSoftLimit(int resource, int64_t soft);

// Reads at most `room` bytes of a file, or writes one; whatever the limit on descriptors. Give the
// number of bytes, and 0.
int64_t ReadProc(char* to, int64_t room, const char* path);
int64_t WriteFile(const char* path, const char* text, int64_t length);

// Reads a file in a child, and so without a descriptor of this task: closing some files has an
// effect (mq_notify(3)). The parent does not count as blocked meanwhile, as it waits for a vfork.
int64_t ReadFileAside(char* to, int64_t room, const char* path);

// Does what makes many of the two calls below, and nothing but them, so that what guards them need
// not come and go with each. REQUIRES: nobody sends the task SIGSEGV, SIGBUS or SIGABRT meanwhile.
int64_t WithGuard(absl::FunctionRef<int64_t()> body);

// Copies bytes of which one side may not be accessible; the signal that this raised, or 0.
int64_t CopyGuarded(volatile char* to, const volatile char* from, int64_t count);

// An operation on a semaphore (posix_sem_agent.h). What is no semaphore, or none any more, may lie
// where there is no memory: EFAULT.
int64_t SemaphoreGuarded(int64_t op, const std::array<int64_t, 6>& args);

// Where the netlink socket of SIGEV_THREAD notifications stays: above what programs open.
inline constexpr int kNoticeSocket = 1000;

// mq_notify(3) with SIGEV_THREAD, as libc asks the kernel for it: notices come on a socket.
int64_t NotifyByThread(int64_t queue);

// Takes the notices that have come, a byte each (NOTIFY_WOKENUP, NOTIFY_REMOVED); how many.
int64_t TakeNotices(char* to, int64_t room);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_AGENT_OPS_H_
