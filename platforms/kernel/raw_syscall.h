// System calls as the kernel sees them, without libc between: no errno, no cancellation.
#ifndef IPCSPEC_PLATFORMS_KERNEL_RAW_SYSCALL_H_
#define IPCSPEC_PLATFORMS_KERNEL_RAW_SYSCALL_H_

#include <linux/futex.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace ipcspec {

// The result, or -errno. x86-64.
inline int64_t RawSyscall(int64_t number, int64_t a = 0, int64_t b = 0, int64_t c = 0,
                          int64_t d = 0, int64_t e = 0, int64_t f = 0) {
  int64_t result;
  register int64_t r10 asm("r10") = d;
  register int64_t r8 asm("r8") = e;
  register int64_t r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

// Sleeps while *word is `value`, for no longer than `timeout` (null: without end).
inline void FutexWait(std::atomic<uint32_t>& word, uint32_t value, const timespec* timeout) {
  RawSyscall(SYS_futex, reinterpret_cast<int64_t>(&word), FUTEX_WAIT, value,
             reinterpret_cast<int64_t>(timeout));
}
inline void FutexWake(std::atomic<uint32_t>& word, int most = 1) {
  RawSyscall(SYS_futex, reinterpret_cast<int64_t>(&word), FUTEX_WAKE, most);
}

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_RAW_SYSCALL_H_
