// POSIX message queues: mq_overview(7).
#ifndef IPCSPEC_IMPL_MECHANISM_POSIX_MQ_H_
#define IPCSPEC_IMPL_MECHANISM_POSIX_MQ_H_

#include <cstdint>
#include <utility>

#include "impl/mechanism/step.h"
#include "impl/mechanism/sysv_ids.h"

namespace ipcspec {

class PosixMq {
 public:
  explicit PosixMq(const Dialect& = Dialect()) {}

  bool operator==(const PosixMq&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const PosixMq&) {
    return h;
  }
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_POSIX_MQ_H_
