// What clauses of POSIX semaphores begin with: some memory, and a semaphore in it.
#ifndef IPCSPEC_CONFORMANCE_POSIX_SEM_HELPERS_H_
#define IPCSPEC_CONFORMANCE_POSIX_SEM_HELPERS_H_

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdint>
#include <string>

#include "conformance/clause.h"

namespace ipcspec {

inline constexpr int64_t kSemValueMax = 0x7fffffff;      // SEM_VALUE_MAX
inline constexpr int64_t kSemSize = 64;                  // where the next one may lie
inline constexpr int64_t kShort = 20'000'000;            // a timeout that is waited for
inline constexpr int64_t kNeverOver = 3600'000'000'000;  // one that does not end in a clause
inline constexpr int64_t kPast = -1'000'000'000;         // a deadline that has passed

// A page that forked tasks share with this one.
inline Address SharedPage(TaskHandle& task) {
  return task.Must(Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED | MAP_ANONYMOUS});
}
// A page of the task, and of those with which it shares all memory.
inline Address OwnPage(TaskHandle& task) {
  return task.Must(Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE | MAP_ANONYMOUS});
}

// A semaphore that forked tasks share with this one.
inline Address MakeSem(TaskHandle& task, int64_t value) {
  const Address at = SharedPage(task);
  task.Must(PsemInit{.address = at, .shared = true, .value = value});
  return at;
}
// One that only tasks with the same memory share.
inline Address MakeOwnSem(TaskHandle& task, int64_t value) {
  const Address at = OwnPage(task);
  task.Must(PsemInit{.address = at, .shared = false, .value = value});
  return at;
}
inline Address OpenSem(TaskHandle& task, std::string name, int64_t value, int64_t mode = 0600) {
  return task.Must(
      PsemOpen{.name = std::move(name), .flags = O_CREAT, .mode = mode, .value = value});
}

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_POSIX_SEM_HELPERS_H_
