// System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2), sysvipc(7).
#ifndef IPCSPEC_IMPL_MECHANISM_SYSV_MSG_H_
#define IPCSPEC_IMPL_MECHANISM_SYSV_MSG_H_

#include <cstdint>
#include <utility>

#include "impl/mechanism/step.h"
#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {

class SysvMsg {
 public:
  explicit SysvMsg(const Dialect& = Dialect()) {}

  bool operator==(const SysvMsg&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SysvMsg&) {
    return h;
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_SYSV_MSG_H_
