// PosixSem: one POSIX semaphore: sem_overview(7).
//
// A counter that never goes below 0: sem_wait takes 1, and sleeps while there is none; sem_post
// gives 1, and lets one sleeper go on. Nobody promises which.
#ifndef IPCSPEC_IMPL_MECHANISM_POSIX_SEM_H_
#define IPCSPEC_IMPL_MECHANISM_POSIX_SEM_H_

#include <cstdint>
#include <utility>

namespace ipcspec {

struct PosixSem {
  int64_t value = 0;
  bool shared = true;

  bool operator==(const PosixSem&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const PosixSem& s) {
    return H::combine(std::move(h), s.value, s.shared);
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_POSIX_SEM_H_
