// System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2), sysvipc(7).
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_SHM_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_SHM_H_

#include <cstdint>
#include <utility>

#include "impl/mechanism/step.h"
#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {

class SysvShm {
 public:
  explicit SysvShm(const Dialect& = Dialect()) {}

  bool operator==(const SysvShm&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SysvShm&) {
    return h;
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_SHM_H_
