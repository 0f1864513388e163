#include "platforms/kernel/sharing_task.h"

#include <link.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

namespace ipcspec {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kStack = 64 * kPage;
// What follows the thread pointer: libc's own record of a thread. It begins with the part that
// compiled code relies on (the pointer to itself, the stack guard); the rest may be zero, as in a
// new thread.
constexpr size_t kRecord = 2 * kPage;
constexpr size_t kRecordHead = 704;

struct TlsSegment {
  size_t size = 0;
  size_t alignment = 64;  // at least libc's record wants that
};

TlsSegment FindTls() {
  TlsSegment tls;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* found) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_TLS) continue;
          auto* segment = static_cast<TlsSegment*>(found);
          segment->size = header.p_memsz;
          segment->alignment = std::max<size_t>(segment->alignment, header.p_align);
          return 1;
        }
        return 0;
      },
      &tls);
  return tls;
}

size_t RoundUp(size_t size, size_t to) { return (size + to - 1) / to * to; }

char* ThreadPointer() {
  char* self;
  asm("movq %%fs:0, %0" : "=r"(self));
  return self;
}

}  // namespace

int64_t CloneSharing(int64_t flags, int (*run)(void*), void* argument) {
  const TlsSegment tls = FindTls();
  // The variables end at the thread pointer, and the record begins there (variant II of the ELF
  // rules for thread-local storage).
  const size_t variables = RoundUp(tls.size, tls.alignment);
  const size_t area = RoundUp(variables, kPage);
  void* map = mmap(nullptr, kStack + area + kRecord, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return -errno;
  char* const stack_end = static_cast<char*>(map) + kStack;
  char* const pointer = stack_end + area;
  const char* const own = ThreadPointer();
  std::memcpy(pointer - variables, own - variables, variables);
  std::memcpy(pointer, own, kRecordHead);
  std::memcpy(pointer, &pointer, sizeof pointer);         // %fs:0, through which variables are found
  std::memcpy(pointer + 0x10, &pointer, sizeof pointer);  // and what libc calls itself
  // libc's locks must hold against the other process as against a thread.
  __libc_single_threaded = 0;
  const int pid = clone(run, stack_end, static_cast<int>(flags) | CLONE_SETTLS | SIGCHLD, argument,
                        nullptr, pointer, nullptr);
  if (pid >= 0) return pid;
  const int64_t error = -errno;
  munmap(map, kStack + area + kRecord);
  return error;
}

}  // namespace ipcspec
