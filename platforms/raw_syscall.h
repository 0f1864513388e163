// RawSyscall: one system call, nothing around it. No errno, no library state, no cancellation: what
// the kernel gives is what is returned (-errno on failure).
//
// Agents use nothing else: they run in forked copies of a process whose library must not be
// touched, and what they see must be the kernel's answer, not a library's.
#ifndef IPCSPEC_PLATFORMS_RAW_SYSCALL_H_
#define IPCSPEC_PLATFORMS_RAW_SYSCALL_H_

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <type_traits>

namespace ipcspec {

inline int64_t RawSyscall6(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                           uint64_t e, uint64_t f) {
#if defined(__x86_64__)
  int64_t result;
  register uint64_t r10 asm("r10") = d;
  register uint64_t r8 asm("r8") = e;
  register uint64_t r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register uint64_t x8 asm("x8") = number;
  register uint64_t x0 asm("x0") = a;
  register uint64_t x1 asm("x1") = b;
  register uint64_t x2 asm("x2") = c;
  register uint64_t x3 asm("x3") = d;
  register uint64_t x4 asm("x4") = e;
  register uint64_t x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return static_cast<int64_t>(x0);
#else
#error "no system call instruction is known for this machine"
#endif
}

// Arguments are integers or pointers.
template <class... Args>
int64_t RawSyscall(int64_t number, Args... args) {
  static_assert(sizeof...(Args) <= 6);
  const auto word = [](auto arg) -> uint64_t {
    if constexpr (std::is_pointer_v<decltype(arg)>) {
      return reinterpret_cast<uint64_t>(arg);
    } else if constexpr (std::is_null_pointer_v<decltype(arg)>) {
      return 0;
    } else {
      return static_cast<uint64_t>(static_cast<int64_t>(arg));
    }
  };
  uint64_t words[6] = {};
  int i = 0;
  ((words[i++] = word(args)), ...);
  return RawSyscall6(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_RAW_SYSCALL_H_
